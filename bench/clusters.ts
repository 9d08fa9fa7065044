import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRow } from '../src/protocol/model.ts';
import { startKept } from './daemon.ts';
import { run } from './rounds.ts';

/** Ten clusters at once, beside one alone: how much longer does the last of them take? */
const AT_ONCE = 10;
const BOOT_MS = 2_000;

const kept = await startKept();
const config = join(kept.spool, '..', 'swm.yaml');
const site = { name: 'lab', kind: 'local', flavor: 'tiny', bootDelayMs: BOOT_MS };
writeFileSync(config, JSON.stringify({ remotes: [site] }));
const daemon = await kept.start('--config', config);
const { client } = daemon;

type Mark = { readonly at: number; readonly what: string };
type Shown = { readonly job: JobRow; readonly timeline: readonly Mark[] };

async function until(id: string, isThere: (job: JobRow) => boolean): Promise<Shown> {
  for (;;) {
    const { job } = await client.call('job.show', { id });
    if (isThere(job)) return { job, timeline: job.timeline };
    if (job.phase === 'ended') throw new Error(`${id}: ${job.details}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const timeOf = ({ timeline }: Shown, begin: string): number =>
  timeline.find(({ what }) => what.startsWith(begin))?.at ?? Number.NaN;

/** Of so many jobs, each on a cluster that is made for it: when the last is as far. */
async function make(count: number): Promise<{ booted: number; running: number }> {
  const script = '#!/bin/sh\n#SWM flavor tiny\nsleep 600\n';
  const ids = await Promise.all(
    Array.from({ length: count }, async () => {
      const asked = { script, inputs: [], key: crypto.randomUUID() };
      return (await client.call('job.submit', asked)).id;
    }),
  );
  const all = await Promise.all(ids.map((id) => until(id, ({ startedAt }) => startedAt > 0)));
  const from = Math.min(...all.map((each) => timeOf(each, 'queued')));
  const booted = Math.max(...all.map((each) => timeOf(each, 'Waiting for Sky Port'))) - from;
  const running = Math.max(...all.map(({ job }) => job.startedAt)) - from;
  await Promise.all(ids.map((id) => client.call('job.cancel', { id })));
  await Promise.all(ids.map((id) => until(id, ({ phase }) => phase === 'ended')));
  return { booted, running };
}

try {
  await run({
    name: 'clusters',
    units: { booted: 'ms', running: 'ms' },
    setup:
      `a local site whose machines boot for ${BOOT_MS} ms; from the first submit until its site ` +
      'says of the last cluster that it is there, and until the last job runs: for that each ' +
      'machine starts a worker, all of them on the cores of this one',
    ours: { name: 'ten at once', run: () => make(AT_ONCE) },
    beside: { name: 'one alone', run: () => make(1) },
  });
} finally {
  await daemon.close();
  await kept.remove();
}
