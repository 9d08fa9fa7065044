import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import type { JobRow } from '../protocol/model.ts';
import type { Screen } from './screen.ts';
import { short } from './words.ts';

/** How a job is, and how it then changes, until nothing is kept of it. */
export async function* rowsOf(client: Client, id: string): AsyncGenerator<JobRow, void, void> {
  for await (const { key, row } of client.watch('jobs', { id })) {
    if (key === '') continue;
    if (row === null) return;
    yield row as JobRow;
  }
}

/** Waits until a job runs, telling what it is at. Throws `Failed` if it never will. */
export async function untilRuns(
  rows: AsyncGenerator<JobRow, void, void>,
  screen: Screen,
  id: string,
): Promise<void> {
  for (;;) {
    const { value: job } = await rows.next();
    if (job === undefined) throw new Failed('not_found', `job ${id} is not kept any more`);
    screen.status('');
    if (job.phase === 'running') return;
    if (job.phase === 'ended' || job.phase === 'collecting')
      throw new Failed('wrong_phase', `job ${short(id)} has run already`);
    screen.status(`${short(id)}: ${job.phase}${job.details === '' ? '' : `: ${job.details}`}`);
  }
}
