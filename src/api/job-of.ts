import { type Job, may } from '../actors/job/job.ts';
import { keeping } from '../actors/job/keeping.ts';
import { type Admins, refuseUnseen } from '../actors/session/admins.ts';
import { Failed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import type { Records } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';

/** A job for somebody who may do with it what its owner may. Throws `Failed`. */
export function jobOf(store: Records, id: string, who: Who): Job {
  const job = kept(store, id);
  if (!may(job, who)) throw new Failed('forbidden', `job ${id} belongs to somebody else`);
  return job;
}

/** A job for somebody who may read its logs, as admins of its account may. Throws `Failed`. */
export function loggedJob(
  { store, isAdmin }: Pick<Admins, 'store' | 'isAdmin'>,
  id: string,
  who: Who,
): Job {
  const job = kept(store, id);
  refuseUnseen(isAdmin, job, who);
  return job;
}

function kept(store: Records, id: string): Job {
  const job = load(store, keeping, `/jobs/${id}`)?.state;
  if (job === undefined) throw new Failed('not_found', `no job ${id}`);
  return job;
}
