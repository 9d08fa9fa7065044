import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import type { JobRow } from '../protocol/model.ts';
import type { WatchRow } from '../protocol/watch-row.ts';
import { exits } from './exits.ts';
import type { Screen } from './screen.ts';
import { short } from './words.ts';

/** How long to wait for the reason of a failure, which a job tells when all of it is released. */
const REASON_MS = 3_000;

/** Waits until a job's results are collected, telling how it goes, and gives its exit code. */
export async function resultOf(client: Client, screen: Screen, id: string): Promise<number> {
  const rows = jobsOf(client.watch('jobs', { id }), id);
  let job = await rows.next();
  for (; !isSettled(job); job = await rows.next())
    screen.status(`${short(id)}: ${job.phase}${job.details === '' ? '' : `: ${job.details}`}`);
  if (job.state === 'E') job = (await inTime(rows.ended(), REASON_MS)) ?? job;
  screen.status('');
  if (screen.json) screen.printJson(job);
  if (job.state !== 'F') screen.note(`swm: ${short(id)} ${endOf(job)}`);
  return exitCodeOf(job);
}

/** How the job is, one change after the other. */
function jobsOf(watch: AsyncIterator<WatchRow>, id: string) {
  let last: JobRow | undefined;
  const next = async (): Promise<JobRow> => {
    for (;;) {
      const { value, done } = await watch.next();
      if (done === true) throw new Failed('unreachable', 'the watch ended');
      if (value.key === '') continue;
      if (value.row === null) throw new Failed('not_found', `job ${id} was purged before its end`);
      last = value.row as JobRow;
      return last;
    }
  };
  const ended = async (): Promise<JobRow> => {
    let job = last ?? (await next());
    while (job.phase !== 'ended') job = await next();
    return job;
  };
  return { next, ended };
}

/** What is not there in time is done without, as is what fails. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let late: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => {
    late = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work.catch(() => undefined), over]);
  } finally {
    clearTimeout(late);
  }
}

/** Why it did not run to its end, in words. */
function endOf({ phase, details, state, signal }: JobRow): string {
  // Before, they tell what is being removed.
  if (phase === 'ended' && details !== '') return `ended: ${details}`;
  if (state === 'C') return 'was cancelled';
  return signal === 0 ? 'could not be run to its end' : `was killed by signal ${signal}`;
}

/** Its results are there, and how it ended will not change; its cluster may still be removed. */
export const isSettled = ({ phase, state }: JobRow): boolean =>
  'FEC'.includes(state) && (phase === 'releasing' || phase === 'ended');

/** The job's own exit code, as a shell would have it, or 125 if it never came to have one. */
export function exitCodeOf({ state, exitcode, signal }: JobRow): number {
  if (signal !== 0) return exits.signal + signal;
  if (state === 'F') return exitcode & 0xff;
  return exitcode === 0 ? exits.ours : exitcode & 0xff;
}
