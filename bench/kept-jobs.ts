import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { newJob } from '../src/actors/job/birth.ts';
import type { Job } from '../src/actors/job/job.ts';
import { keeping } from '../src/actors/job/keeping.ts';
import { openReplicaDisk } from '../src/platform/replica/disk.ts';
import { emptySpec } from '../src/protocol/jobscript/spec.ts';
import type { Spec } from '../src/protocol/model.ts';
import type { Change, Store } from '../src/runtime/ports.ts';
import { changes, NOTHING_KEPT } from '../src/runtime/record.ts';
import { aloneStore } from '../test/platform/replica/alone-store.ts';

const BATCH = 500;

/** Puts so many jobs that have ended into the records of a head that is not running. */
export async function keepJobs(spool: string, jobs: number, scriptBytes = 32): Promise<void> {
  const disk = await openReplicaDisk(join(spool, 'control'), { self: hostname() });
  const store = await aloneStore(disk, hostname());
  const script = `#!/bin/sh\n${'# '.padEnd(Math.max(0, scriptBytes - 10), 'x')}\n`;
  const now = Date.now();
  for (let done = 0; done < jobs; done += BATCH) {
    const count = Math.min(BATCH, jobs - done);
    const batch = Array.from({ length: count }, (_, i) => ended(now - jobs + done + i, script));
    await committed(store, batch.flatMap(written));
  }
  await store.close();
}

const written = (job: Job): readonly Change[] =>
  changes(keeping, `/jobs/${job.id}`, NOTHING_KEPT, job).changes;

function ended(at: number, script: string): Job {
  const id = randomUUID();
  const spec = { ...emptySpec, name: `job ${id.slice(0, 8)}` } as Spec;
  const job = newJob(
    { id, owner: 'somebody', spec, script, scriptBlob: null, inputs: [], digest: id, from: '' },
    at,
  );
  const outcome = { state: 'F', exitcode: 0, signal: 0, failure: null } as const;
  const marks = ['placing', 'staging', 'starting', 'running', 'collecting', 'releasing', 'ended'];
  const timeline = [...job.timeline, ...marks.map((what) => ({ at, what }))];
  return { ...job, phase: 'ended', outcome, since: at, startedAt: at, endedAt: at, timeline };
}

const committed = (store: Store, batch: readonly Change[]): Promise<void> =>
  new Promise((resolve, reject) => {
    store.commit(batch, (outcome) =>
      outcome === 'committed' ? resolve() : reject(new Error(outcome)),
    );
  });
