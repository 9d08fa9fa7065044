import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import type { Job } from '../job/job.ts';
import { BY_TIME, byOwner, DAG_NAMES, DAGS, keeping } from '../job/keeping.ts';
import { sortable } from '../keeping.ts';

type Asked = {
  readonly limit?: number;
  readonly after?: string;
  readonly since?: number;
  readonly dag?: string;
};
type JobPage = { readonly jobs: readonly Job[]; readonly next: string };

/** A page of the jobs that somebody may see, in the order in which they were submitted. */
export const jobPage = (store: Records, { door, id }: Who, asked: Asked): JobPage =>
  pageOf(store, door === 'operator' ? undefined : id, asked);

/** Of the jobs of an account, whoever owns them; like that of all, it may have few, or none. */
export function accountPage(store: Records, account: string, asked: Asked): JobPage {
  const { jobs, next } = pageOf(store, undefined, asked);
  return { jobs: jobs.filter(({ spec }) => spec.account === account), next };
}

/** `owner`: only of this one's. */
function pageOf(store: Records, owner: string | undefined, asked: Asked): JobPage {
  const { limit = limits.pageMax, after = '', since = 0 } = asked;
  if (asked.dag !== undefined) return dagPage(store, owner, asked.dag, asked);
  const prefix = owner === undefined ? BY_TIME : byOwner(owner);
  if (after !== '' && !after.startsWith(`i${prefix}`)) throw notAPage();
  // Its keys are in the order of time.
  const begin = since === 0 ? '' : `i${prefix}/${sortable(since)}`;
  const page = find(store, `${prefix}/`, limit, after || begin);
  const jobs = page.paths.flatMap((path) => load(store, keeping, path)?.state ?? []);
  return { jobs, next: page.next };
}

/** By its name, else by the first digits of its id. */
function dagPage(
  store: Records,
  owner: string | undefined,
  dag: string,
  { limit = limits.pageMax, after = '' }: Asked,
): JobPage {
  const byName = `${DAG_NAMES}/${dag}/`;
  const prefix = find(store, byName, 1).paths.length > 0 ? byName : `${DAGS}/${dag.toLowerCase()}`;
  if (after !== '' && !after.startsWith(`i${prefix}`)) throw notAPage();
  const page = find(store, prefix, limit, after);
  const found = page.paths.flatMap((path) => load(store, keeping, path)?.state ?? []);
  return {
    jobs: found.filter((job) => owner === undefined || job.owner === owner),
    next: page.next,
  };
}

const notAPage = (): Failed =>
  new Failed('malformed', '$.after: wanted the `next` of a page of this list');
