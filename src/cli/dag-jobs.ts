import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { DagPlace, JobRow } from '../protocol/model.ts';

/** A job of a DAG. */
export type DagRow = JobRow & { readonly dag: DagPlace };

/** The jobs of a DAG, by the first digits of its id or by its name: of several the newest. */
export async function dagJobs(client: Client, dag: string): Promise<readonly DagRow[]> {
  const rows: JobRow[] = [];
  for (let after = ''; ; ) {
    const page = await client.call('job.list', { dag, limit: limits.pageMax, after });
    rows.push(...page.jobs);
    after = page.next;
    if (after === '') break;
  }
  const found = rows.filter((row): row is DagRow => row.dag !== undefined);
  const newest = found.at(-1)?.dag;
  if (newest === undefined) throw new Failed('not_found', `no job is of a DAG ${dag}`);
  const isIt = ({ dag: { id } }: DagRow): boolean => id === newest.id;
  if (newest.dag !== dag && found.some((row) => !isIt(row)))
    throw new Failed('not_found', `several DAGs have ids that begin with ${dag}`);
  return found.filter(isIt);
}
