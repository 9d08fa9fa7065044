import { startKept } from './daemon.ts';
import { install } from './installed.ts';
import { keepJobs } from './kept-jobs.ts';
import { type Measures, run } from './rounds.ts';

/**
 * How long a head that keeps many jobs takes from its start to the first submit that it
 * acknowledges, and its memory then; beside the same head that keeps none. `--jobs N`: a million
 * unless given.
 */
const JOBS = 1_000_000;
const MIB = 2 ** 20;

const at = process.argv.indexOf('--jobs');
const jobs = at < 0 ? JOBS : Number.parseInt(process.argv[at + 1] ?? '', 10);
const installed = install();
const full = await startKept(installed.swm);
const empty = await startKept(installed.swm);

async function restart({ start }: typeof full): Promise<Measures> {
  const from = performance.now();
  const daemon = await start();
  try {
    await daemon.client.call('job.submit', { script: '#!/bin/sh\nexit 0\n', inputs: [] });
    const accepting = performance.now() - from;
    return { accepting, rss: (await daemon.rssBytes()) / MIB };
  } finally {
    await daemon.close();
  }
}

try {
  await keepJobs(full.spool, jobs);
  await run({
    name: 'restart',
    units: { accepting: 'ms', rss: 'MiB' },
    setup: `${jobs} jobs that have ended are kept, beside none; from the start of \`swm dev\``,
    ours: { name: `with ${jobs} jobs`, run: () => restart(full) },
    beside: { name: 'with none', run: () => restart(empty) },
  });
} finally {
  await full.remove();
  await empty.remove();
  installed.remove();
}
