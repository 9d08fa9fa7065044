import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import type { Job } from '../job/job.ts';
import { BY_TIME, byOwner, keeping } from '../job/keeping.ts';
import { sortable } from '../keeping.ts';

type Asked = { readonly limit?: number; readonly after?: string; readonly since?: number };
type JobPage = { readonly jobs: readonly Job[]; readonly next: string };

/** A page of the jobs that somebody may see, in the order in which they were submitted. */
export function jobPage(store: Records, user: Who, asked: Asked): JobPage {
  const { limit = limits.pageMax, after = '', since = 0 } = asked;
  const prefix = user.door === 'operator' ? BY_TIME : byOwner(user.id);
  if (after !== '' && !after.startsWith(`i${prefix}`))
    throw new Failed('malformed', '$.after: wanted the `next` of a page of this list');
  // Its keys are in the order of time.
  const begin = since === 0 ? '' : `i${prefix}/${sortable(since)}`;
  const page = find(store, `${prefix}/`, limit, after || begin);
  const jobs = page.paths.flatMap((path) => load(store, keeping, path)?.state ?? []);
  return { jobs, next: page.next };
}
