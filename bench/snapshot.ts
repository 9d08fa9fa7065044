import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKept } from './daemon.ts';
import { install } from './installed.ts';
import { keepJobs } from './kept-jobs.ts';
import { type Measures, percentile, run } from './rounds.ts';

/**
 * What submits feel of a snapshot: the same steady submits while copies of all records are made,
 * one after the other, beside a time without. `--jobs N` says how many ended jobs are kept.
 */
const JOBS = 250_000;
const SCRIPT_BYTES = 2_000;
const LANES = 16;
const PAUSE_MS = 10;
const SECONDS = 6;

const at = process.argv.indexOf('--jobs');
const jobs = at < 0 ? JOBS : Number.parseInt(process.argv[at + 1] ?? '', 10);
const installed = install();
const kept = await startKept(installed.swm);
await keepJobs(kept.spool, jobs, SCRIPT_BYTES);
const { size } = await stat(join(kept.spool, 'control', 'data.mdb'));
const daemon = await kept.start();
const { client } = daemon;

/** One node, taken whole by the first: those that follow wait, so only submitting is measured. */
const cpus = (await client.call('node.list', {})).nodes[0]?.resources.cpus ?? 1;
const submit = (rest: string): Promise<unknown> =>
  client.call('job.submit', { script: `#!/bin/sh\n#SWM cpus ${cpus}\n${rest}\n`, inputs: [] });

async function steady(isOver: () => boolean): Promise<readonly number[]> {
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const begun = performance.now();
      await submit('exit 0');
      took.push(performance.now() - begun);
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return took;
}

const measured = (took: readonly number[]): Measures => ({
  p50: percentile(took, 0.5),
  p99: percentile(took, 0.99),
});

async function copying(): Promise<Measures> {
  let isOver = false;
  const submits = steady(() => isOver);
  const until = performance.now() + SECONDS * 1_000;
  while (performance.now() < until) await client.call('head.backup', {});
  isOver = true;
  return measured(await submits);
}

async function quiet(): Promise<Measures> {
  const until = performance.now() + SECONDS * 1_000;
  return measured(await steady(() => performance.now() > until));
}

try {
  await submit('sleep 3600');
  await run({
    name: 'snapshot',
    units: { p50: 'ms', p99: 'ms' },
    setup:
      `${LANES} submits in flight, ${PAUSE_MS} ms between two of one; records of ` +
      `${Math.round(size / 2 ** 20)} MiB`,
    ours: { name: 'while it is copied', run: copying },
    beside: { name: 'without', run: quiet },
  });
} finally {
  await daemon.close();
  await kept.remove();
  installed.remove();
}
