import { Failed } from '../protocol/errors.ts';
import { dagJobs } from './dag-jobs.ts';
import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Cancels all jobs of a DAG that have not ended, those first that wait for others. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const open = await client();
  const rows = (await dagJobs(open, args[0]!)).filter(({ phase }) => phase !== 'ended');
  const cancelled: string[] = [];
  for (const { id } of rows.toReversed()) {
    try {
      await open.call('job.cancel', { id });
      cancelled.push(id);
    } catch (error) {
      // It may have ended meanwhile.
      if (!(error instanceof Failed) || error.failure.code !== 'wrong_phase') throw error;
    }
  }
  if (screen.json) screen.printJson(cancelled);
  else for (const id of cancelled) screen.print(id);
  return exits.good;
}
