import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyPlaces } from '../src/platform/key-files.ts';
import { rssOf, startDaemon } from './daemon.ts';
import { type Measures, percentile, run } from './rounds.ts';
import { type Heard, instant, type Load } from './terminals-load.ts';
import type { Say, Shown } from './terminals-peer.ts';

/**
 * What it costs a head that ten thousand terminals are connected, and each watches a job: memory
 * for one of them, and how long after a change was asked for the terminal that it is meant for has
 * it, and all of them. Beside a bare WebSocket server over the same TLS with as many connections.
 */
const at = process.argv.indexOf('--terminals');
const TERMINALS = at < 0 ? 10_000 : Number(process.argv[at + 1]);
const PROCESSES = 4;
/** Changes of a run that one terminal hears of, and that all do. */
const OF_ONE = 300;
const OF_ALL = 3;

const daemon = await startDaemon();
const places = keyPlaces(daemon.spool);
const children: ChildProcess[] = [];
const started = (file: string, first: object): ChildProcess => {
  const child = fork(new URL(file, import.meta.url));
  child.send(first);
  children.push(child);
  return child;
};

type Terminals = { readonly many: readonly ChildProcess[]; readonly one: ChildProcess };

/** One terminal first, which hears of other things than all that follow. */
async function connected(load: Omit<Load, 'terminals' | 'job'>, jobs: Jobs): Promise<Terminals> {
  const opened = async (job: string, terminals: number): Promise<ChildProcess> => {
    const child = started('./terminals-load.ts', { ...load, job, terminals } satisfies Load);
    await once(child, 'message');
    return child;
  };
  const one = await opened(jobs.one, 1);
  const each = Math.ceil(TERMINALS / PROCESSES);
  const many = await Promise.all(Array.from({ length: PROCESSES }, () => opened(jobs.all, each)));
  return { many, one };
}

/** How long it takes from asking for a change until each of those has heard of it. */
async function tookMs(by: readonly ChildProcess[], change: () => unknown): Promise<number[]> {
  const hearing = by.map((child) => once(child, 'message') as Promise<[Heard]>);
  const begun = instant();
  await change();
  const heard = (await Promise.all(hearing)).map(([told]) => told);
  return heard.flatMap((told) => (told.is === 'heard' ? told.at : [])).map((ms) => ms - begun);
}

async function measure(
  { many, one }: Terminals,
  change: (of: Say) => unknown,
  keptBytes: number,
): Promise<Measures> {
  const single: number[] = [];
  for (let n = 0; n < OF_ONE; n++) single.push(...(await tookMs([one], () => change('one'))));
  const all: number[] = [];
  for (let n = 0; n < OF_ALL; n++) all.push(...(await tookMs(many, () => change('all'))));
  return {
    kept: keptBytes / TERMINALS / 1024,
    one: percentile(single, 0.5),
    oneP99: percentile(single, 0.99),
    all: percentile(all, 0.5),
    allP99: percentile(all, 0.99),
  };
}

type Jobs = Readonly<Record<Say, string>>;

/** Jobs that wait for good, and so change only when they are told to. */
async function jobs(): Promise<Jobs> {
  const script = '#!/bin/sh\n#SWM hold\nexit 0\n';
  const submitted = async () => (await daemon.client.call('job.submit', { script, inputs: [] })).id;
  return { one: await submitted(), all: await submitted() };
}

const read = (path: string): Promise<string> => readFile(path, 'utf8');
try {
  const made = await jobs();
  const file = JSON.parse(await read(join(daemon.spool, 'run', 'node.json')));
  const { port } = file.terminal as { readonly port: number };
  const shown: Shown = {
    key: await read(places.node.key),
    cert: await read(places.node.certificate),
    ca: await read(places.chain),
    frame: JSON.stringify((await daemon.client.call('job.show', { id: made.one })).job),
  };
  const peer = started('./terminals-peer.ts', shown);
  const [bare] = (await once(peer, 'message')) as [number];

  const before = { ours: await daemon.rssBytes(), bare: await rssOf(peer.pid ?? 0) };
  const { spool } = daemon;
  const ours = await connected({ kind: 'swm', address: `127.0.0.1:${port}`, spool }, made);
  const oursBytes = (await daemon.rssBytes()) - before.ours;
  const theirs = await connected({ kind: 'bare', address: `127.0.0.1:${bare}`, spool }, made);
  const bareBytes = (await rssOf(peer.pid ?? 0)) - before.bare;
  let priority = 0;
  const update = (of: Say): Promise<object> => {
    priority = (priority + 1) % 10;
    return daemon.client.call('job.update', { id: made[of], priority });
  };
  await run({
    name: 'terminals',
    units: { kept: 'KiB a terminal', one: 'ms', oneP99: 'ms', all: 'ms', allP99: 'ms' },
    setup:
      `${TERMINALS} terminals of ${PROCESSES} processes; a change that one of them hears of, and ` +
      'one that all do, from asking for it; the bare server is told to send as many bytes',
    ours: { name: 'swm', run: () => measure(ours, update, oursBytes) },
    beside: {
      name: 'bare ws',
      run: () => measure(theirs, (of) => peer.send(of), bareBytes),
    },
  });
} finally {
  for (const child of children) child.kill();
  await daemon.close();
}
