import { Failed } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/messages.ts';
import type { JobView } from '../../protocol/model.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { load } from '../../runtime/record.ts';
import { type Job, may } from '../job/job.ts';
import { keeping } from '../job/keeping.ts';

/** Whether a user is an admin of an account, or of one above it, as of now. */
export type IsAdmin = (user: string, account: string) => boolean;

export type Admins = {
  readonly store: Records;
  readonly isAdmin: IsAdmin;
  /** Resolves once the records hold all that anybody was told before now. */
  readonly current: () => Promise<void>;
};

/**
 * Whom a call is from, as its job is to know: who does not own it may be an admin of its account.
 * The job compares: it is of one account as long as it lives, but its id may be used again.
 */
export async function vouch(from: Admins, user: Who, { body }: Message): Promise<Who> {
  const path = `/jobs/${'id' in body ? body.id : ''}`;
  const find = (): Job | undefined => load(from.store, keeping, path)?.state;
  const found = find();
  if (found !== undefined && may(found, user)) return user;
  await from.current();
  const account = find()?.spec.account;
  if (account === undefined || !from.isAdmin(user.id, account)) return user;
  return { ...user, adminOf: account };
}

/** Throws `Failed` for whoever may not see a job: all but its owner, admins and operators. */
export function refuseUnseen(isAdmin: IsAdmin, job: Job, user: Who): void {
  if (may(job, user)) return;
  if (user.door === 'terminal' && isAdmin(user.id, job.spec.account)) return;
  throw new Failed('forbidden', `job ${job.id} belongs to somebody else`);
}

/** Files are got by their names alone, which are told to nobody but the owner and operators. */
export const withoutFiles = ({ checkpoint, ...view }: JobView): JobView => ({
  ...view,
  outputs: [],
  missing: [],
  ...(checkpoint && { checkpoint: { ...checkpoint, files: [] } }),
});
