import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRow } from '../src/protocol/model.ts';
import type { Orders } from './array-workers.ts';
import { bareShells } from './bare-shells.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Measures, run } from './rounds.ts';

/**
 * Tasks of arrays: real ones on this machine, beside shells that start as many; and a million of
 * them over a thousand workers that leave out nothing but the processes, beside a tenth of that.
 * `--workers N`, `--tasks N`.
 */
const MIB = 2 ** 20;
const REAL = 4_000;
const TASK_MS = 10;
const PROCESSES = 5;

const argument = (name: string, usual: number): number => {
  const at = process.argv.indexOf(name);
  return at < 0 ? usual : Number.parseInt(process.argv[at + 1] ?? '', 10);
};
const workers = argument('--workers', 1_000);
const tasks = argument('--tasks', 1_000_000);

/** Submits an array, waits for its end, and gives how long both took, by this clock. */
async function play({ client }: Daemon, script: string): Promise<{ submit: number; all: number }> {
  const from = performance.now();
  const { id } = await client.call('job.submit', { script, inputs: [] });
  const submit = performance.now() - from;
  for await (const { row } of client.watch('jobs', { id })) {
    const { phase, state, exitcode } = (row ?? {}) as Partial<JobRow>;
    if (phase !== 'ended') continue;
    if (state !== 'F' || exitcode !== 0) throw new Error(`it ended with ${state} ${exitcode}`);
    break;
  }
  return { submit, all: performance.now() - from };
}

async function real(daemon: Daemon): Promise<Measures> {
  const { all } = await play(daemon, `#!/bin/true\n#SWM array 1-${REAL}\n`);
  return { processes: (REAL / all) * 1_000 };
}

async function bare(): Promise<Measures> {
  const place = mkdtempSync(join(tmpdir(), 'swm-bench-'));
  try {
    return { processes: await bareShells(place, REAL) };
  } finally {
    rmSync(place, { recursive: true });
  }
}

async function simulated(daemon: Daemon, count: number): Promise<Measures> {
  const { submit, all } = await play(daemon, `#!/bin/sh\n#SWM array 1-${count}\n`);
  return { tasks: (count / all) * 1_000, submit, rss: (await daemon.rssBytes()) / MIB };
}

/** Workers that join as any do, and instead of the head's own get all that there is to do. */
async function joined({ client }: Daemon): Promise<readonly ChildProcess[]> {
  await client.call('node.drain', { node: hostname() });
  const names = Array.from({ length: workers }, (_, i) => `sim-${i}`);
  const invitations: Orders['invitations'][number][] = [];
  for (const name of names) invitations.push(await client.call('node.add', { name }));
  const children = Array.from({ length: PROCESSES }, (_, part) => {
    const child = fork(new URL('./array-workers.ts', import.meta.url));
    const some = invitations.filter((_, i) => i % PROCESSES === part);
    child.send({ invitations: some, taskMs: TASK_MS } satisfies Orders);
    return child;
  });
  await Promise.all(children.map((child) => once(child, 'message')));
  for (;;) {
    const { nodes } = await client.call('node.list', {});
    if (nodes.filter(({ phase }) => phase === 'up').length > workers) return children;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const onThis = await startDaemon();
try {
  await run({
    name: 'array-real',
    units: { processes: '1/s' },
    setup: `two dash shells, ${REAL / 2} lines of /bin/true each, two log files a line`,
    ours: { name: 'tasks of one array, from its submit to its end', run: () => real(onThis) },
    beside: { name: 'bare shells', run: bare },
  });
} finally {
  await onThis.close();
}

const head = await startDaemon();
const children = await joined(head);
try {
  await run({
    name: 'array',
    units: { tasks: '1/s', submit: 'ms', rss: 'MiB' },
    setup: `${workers} workers in ${PROCESSES} processes; a task takes ${TASK_MS} ms of nothing`,
    ours: { name: `${tasks} tasks`, run: () => simulated(head, tasks) },
    beside: { name: `${tasks / 10} tasks`, run: () => simulated(head, tasks / 10) },
  });
} finally {
  for (const child of children) child.kill('SIGKILL');
  await head.close();
}
