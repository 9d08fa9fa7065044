import type { Client } from '../../src/client/client.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { JobRow } from '../../src/protocol/model.ts';

/** All jobs, page by page; of a head's own records, however old, where `stale` will do. */
export async function jobsOf(client: Client, stale = false): Promise<readonly JobRow[]> {
  const rows: JobRow[] = [];
  for (let after = ''; ; ) {
    const page = await client.call('job.list', { limit: limits.pageMax, after, stale });
    rows.push(...page.jobs);
    if (page.next === '') return rows;
    after = page.next;
  }
}
