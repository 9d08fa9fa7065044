/**
 * How many real trivial processes a second swm runs to their end, exit codes and logs kept, and how
 * soon a process is there, beside what the machine gives without any of it.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Processes } from '../src/actors/ports.ts';
import { openProcesses } from '../src/platform/process/processes.ts';
import { bareShells, ended } from './bare-shells.ts';
import { type Measures, percentile, run } from './rounds.ts';

const JOBS = 1_000;
const IN_FLIGHT = 6;
const SINGLE = 60;
const NOBODY = 65_534;

const root = mkdtempSync(join(tmpdir(), 'swm-bench-'));
const isRoot = process.getuid?.() === 0;
chmodSync(root, 0o755);
let made = 0;

function directory(): string {
  const path = join(root, `${++made}`);
  mkdirSync(path, { mode: 0o755 });
  if (isRoot) chownSync(path, NOBODY, NOBODY);
  return path;
}

async function one(processes: Processes, job: string, place: string): Promise<number> {
  const key = { job, attempt: 1, rank: 0 };
  const order = {
    key,
    directory: place,
    script: '/bin/true',
    env: { PATH: '/usr/bin:/bin', HOME: place },
    stdin: '',
    stdout: join(place, `${job}.out`),
    stderr: join(place, `${job}.err`),
    user: '',
    limits: { cpus: 1, memoryBytes: 256 << 20, gpus: 0 },
  };
  const before = performance.now();
  await processes.ensure(order);
  const startMs = performance.now() - before;
  const exit = await processes.exited(key, new AbortController().signal);
  if (exit.code !== 0 || exit.signal !== 0 || exit.lost) throw new Error(JSON.stringify(exit));
  return startMs;
}

async function ours(processes: Processes): Promise<Measures> {
  const place = directory();
  let next = 0;
  const before = performance.now();
  const worker = async () => {
    while (next < JOBS) await one(processes, `r${made}-${next++}`, place);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return { processes: (JOBS / (performance.now() - before)) * 1_000 };
}

async function alone(start: (n: number) => Promise<number>): Promise<Measures> {
  const times: number[] = [];
  for (let n = 0; n < SINGLE; n++) {
    times.push(await start(n));
    await sleep(5);
  }
  return { start: percentile(times, 0.5) };
}

async function spawned(): Promise<number> {
  const before = performance.now();
  const child = spawn('/bin/true', { detached: true, stdio: 'ignore' });
  await new Promise((resolve) => child.once('spawn', resolve));
  const startMs = performance.now() - before;
  if (child.exitCode === null) await ended(child);
  return startMs;
}

const processes = await openProcesses({
  directory: join(root, 'records'),
  jobsUser: 'nobody',
  slots: 2,
  mark: { SWM_MACHINE: 'bench' },
  note: (level, path, text, fields) => console.error(level, path, text, fields),
});
try {
  await run({
    name: 'process',
    units: { processes: '1/s' },
    setup: `two dash shells, ${JOBS / 2} lines of /bin/true each, two log files a line`,
    ours: { name: 'swm', run: () => ours(processes) },
    beside: {
      name: 'bare shells',
      run: async () => ({ processes: await bareShells(directory(), JOBS) }),
    },
  });
  const place = directory();
  await run({
    name: 'process-start',
    units: { start: 'ms, p50' },
    setup: 'spawn of Node, detached, no logs, until its spawn event; the loop is blocked meanwhile',
    ours: {
      name: 'swm, ensure until the pid is known',
      run: () => alone((n) => one(processes, `s${++made}-${n}`, place)),
    },
    beside: { name: 'spawn of Node', run: () => alone(spawned) },
  });
} finally {
  processes.close();
  rmSync(root, { recursive: true });
}
