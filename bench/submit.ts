import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Measures, percentile, run } from './rounds.ts';

/**
 * How long from a submit to its process running, on an idle node whose own worker takes the job;
 * beside what such a job cannot do without: one round trip over the same TLS link, a durable commit
 * for each step of its life up to there, one after the other, and the start of a process.
 */
const JOBS = 20;
/** queued, placing, held, provisioning, staging; and on the worker staging and starting. */
const COMMITS = 7;
const SCRIPT = '#!/bin/sh\nexit 0\n';

const daemon: Daemon = await startDaemon();
const place = await mkdtemp(join(tmpdir(), 'swm-bench-'));
const bare = open({ path: place, keyEncoding: 'binary', encoding: 'binary' });
const record = Buffer.alloc(1500, 1);

async function ours(): Promise<Measures> {
  const took: number[] = [];
  for (let i = 0; i < JOBS; i++) {
    const key = `${process.hrtime.bigint()}`;
    const { id } = await daemon.client.call('job.submit', { script: SCRIPT, inputs: [], key });
    took.push(await untilRunning(id));
  }
  return measures(took);
}

/** By the clocks of the head and the worker, which are one here: ms from submit to start. */
async function untilRunning(id: string): Promise<number> {
  for await (const { row } of daemon.client.watch('jobs', { id })) {
    const job = row as { phase: string; startedAt: number; submittedAt: number } | null;
    if (job?.phase === 'ended') return job.startedAt - job.submittedAt;
  }
  throw new Error('the watch ended');
}

async function floor(): Promise<Measures> {
  const took: number[] = [];
  for (let i = 0; i < JOBS; i++) {
    const from = performance.now();
    await daemon.client.call('user.show', {});
    for (let n = 0; n < COMMITS; n++) await bare.put(Buffer.from(`${i}/${n}`), record);
    const child = spawn('/bin/true', { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    took.push(performance.now() - from);
    await once(child, 'exit');
  }
  return measures(took);
}

const measures = (took: readonly number[]): Measures => ({
  p50: percentile(took, 0.5),
  p99: percentile(took, 0.99),
});

try {
  await run({
    name: 'submit',
    units: { p50: 'ms', p99: 'ms' },
    setup: `a TLS round trip, ${COMMITS} durable LMDB puts in a row, and a detached spawn`,
    ours: { name: 'swm', run: ours },
    beside: { name: 'its floor', run: floor },
  });
} finally {
  await daemon.close();
  await bare.close();
  await rm(place, { recursive: true, force: true });
}
