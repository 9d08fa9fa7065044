import { type Job, may } from '../actors/job/job.ts';
import { keeping } from '../actors/job/keeping.ts';
import { Failed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import type { Records } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';

/** A job for somebody who may see it. Throws `Failed`. */
export function jobOf(store: Records, id: string, who: Who): Job {
  const job = load(store, keeping, `/jobs/${id}`)?.state;
  if (job === undefined) throw new Failed('not_found', `no job ${id}`);
  if (!may(job, who)) throw new Failed('forbidden', `job ${id} belongs to somebody else`);
  return job;
}
