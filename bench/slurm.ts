import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRow } from '../src/protocol/model.ts';
import { startKept } from './daemon.ts';
import { install } from './installed.ts';
import { type Measures, run } from './rounds.ts';
import { openSlurm, PER_CORE } from './slurm-peer.ts';

/**
 * How many real trivial jobs a second go from their submit to their end, exit codes and logs kept,
 * beside Slurm on the same machine, tuned for many short jobs. `jobs`: from the first submit on;
 * `array`: as the tasks of one array; `queued`: all are submitted before, and the time begins when
 * the node may start them. `--jobs N`: in a round, 200 unless given. `--at-once N`: of ours, as
 * many as of Slurm's unless given.
 */
const JOBS = given('--jobs', 200);
const CORES = availableParallelism() * PER_CORE;
const AT_ONCE = given('--at-once', CORES);
/** Submits under way at once: with fewer Slurm waits for its command to start. */
const LANES = 4;
const SCRIPT = '#!/bin/sh\necho said\nexit 3\n';

const place = await mkdtemp(join(tmpdir(), 'swm-bench-'));
const file = join(place, 'job.sh');
await writeFile(file, SCRIPT);

function given(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Math.max(1, Number.parseInt(process.argv[at + 1] ?? '', 10) || usual);
}

const rate = (fromMs: number): number => (JOBS / (performance.now() - fromMs)) * 1_000;

/** Does so many things, some at once. */
async function inLanes(count: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

const installed = install();
const kept = await startKept(installed.swm);
const daemon = await kept.start('--ephemeral', '--set', `resources.cpus=${AT_ONCE}`);

async function closeOurs(): Promise<void> {
  await daemon.close();
  await kept.remove();
  installed.remove();
  await rm(place, { recursive: true, force: true });
}

const slurm = await openSlurm().catch(async (error) => {
  await closeOurs();
  throw error;
});

/** Where the watch of all jobs tells that some have ended. */
let ended = 0;
let wrong = '';
let heard = (): void => {};
const counted = new Set<string>();
const watching = (async () => {
  for await (const { row } of daemon.client.watch('jobs')) {
    const job = row as JobRow | null;
    if (job?.phase !== 'ended' || counted.has(job.id)) continue;
    counted.add(job.id);
    ended += 1;
    if (!isGood(job)) wrong = JSON.stringify(job);
    heard();
  }
})();
watching.catch(() => {}); // It ends with the client.

/** Each has run to its end, and its exit code is there. */
function isGood({ state, exitcode, tasks }: JobRow): boolean {
  return tasks === undefined ? state === 'F' && exitcode === 3 : tasks.failed === JOBS;
}

async function oursEnded(count: number): Promise<void> {
  while (ended < count)
    await new Promise<void>((resolve) => {
      heard = resolve;
    });
  if (wrong !== '') throw new Error(wrong);
}

const submit = (script = SCRIPT): Promise<{ readonly id: string }> =>
  daemon.client.call('job.submit', { script, inputs: [], key: crypto.randomUUID() });

async function ours(): Promise<Measures> {
  const from = performance.now();
  const before = ended;
  await inLanes(JOBS, () => submit());
  await oursEnded(before + JOBS);
  const jobs = rate(from);

  const arrayFrom = performance.now();
  await submit(`#!/bin/sh\n#SWM array 1-${JOBS}\n${SCRIPT}`);
  await oursEnded(before + JOBS + 1);
  const array = rate(arrayFrom);

  const { nodes } = await daemon.client.call('node.list', {});
  const node = nodes[0]?.name ?? '';
  await daemon.client.call('node.drain', { node });
  let last = '';
  await inLanes(JOBS, async () => {
    last = (await submit()).id;
  });
  const opened = performance.now();
  await daemon.client.call('node.resume', { node });
  await oursEnded(before + 2 * JOBS + 1);
  const queued = rate(opened);
  const log: Uint8Array[] = [];
  for await (const bytes of daemon.client.follow(last, { follow: false })) log.push(bytes);
  if (Buffer.concat(log).toString() !== 'said\n') throw new Error('swm lost a log');
  return { jobs, array, queued };
}

let rounds = 0;

async function theirs(): Promise<Measures> {
  const logs = join(place, `${++rounds}`);
  await mkdir(logs);
  const from = performance.now();
  await inLanes(JOBS, () => slurm.submit(file, logs));
  checked(await slurm.ended(JOBS));
  const jobs = rate(from);

  const arrayFrom = performance.now();
  await slurm.submit(file, logs, JOBS);
  checked(await slurm.ended(JOBS));
  const array = rate(arrayFrom);

  await slurm.open(false);
  await inLanes(JOBS, () => slurm.submit(file, logs));
  const opened = performance.now();
  await slurm.open(true);
  checked(await slurm.ended(JOBS));
  const queued = rate(opened);
  const files = await readdir(logs);
  const [first = ''] = files.filter((file) => file.endsWith('.out'));
  const isSaid = (await readFile(join(logs, first), 'utf8')) === 'said\n';
  if (!isSaid || files.length !== 6 * JOBS) throw new Error('Slurm lost a log');
  return { jobs, array, queued };
}

function checked(lines: readonly string[]): void {
  const odd = lines.find((line) => !/ ExitCode=3:0( |$)/.test(line));
  if (odd !== undefined) throw new Error(`Slurm: ${odd}`);
}

try {
  const tuned = 'cons_tres, backfill, no waits between passes';
  await run({
    name: 'slurm',
    units: { jobs: '1/s', array: '1/s', queued: '1/s' },
    setup: `${tuned}; ${JOBS} jobs, ${CORES} at once, of ours ${AT_ONCE}; ${LANES} submits`,
    ours: { name: 'swm', run: ours },
    beside: { name: slurm.version, run: theirs },
  });
} finally {
  await slurm.close();
  await closeOurs();
}
