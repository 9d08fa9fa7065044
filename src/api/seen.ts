import type { IsAdmin } from '../actors/session/admins.ts';
import type { Who } from '../protocol/who.ts';
import type { FeedRow } from './watch.ts';

/** The account of a job, as its row has it; undefined: it is no more, or no job. */
export const accountOf = ({ row }: FeedRow): string | undefined =>
  (row as { readonly account?: string } | null)?.account;

/** Whether somebody may see a job as it is now. */
export function isSeen(isAdmin: IsAdmin, { door, id }: Who, job: FeedRow): boolean {
  const account = accountOf(job);
  return door === 'operator' || job.owner === id || (account !== undefined && isAdmin(id, account));
}
