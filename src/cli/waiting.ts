import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import type { JobRow } from '../protocol/model.ts';
import { exits } from './exits.ts';
import type { Screen } from './screen.ts';
import { short } from './words.ts';

/** Waits until a job's results are collected, telling how it goes, and gives its exit code. */
export async function resultOf(client: Client, screen: Screen, id: string): Promise<number> {
  for await (const { key, row } of client.watch('jobs', { id })) {
    if (key === '') continue;
    if (row === null) throw new Failed('not_found', `job ${id} was purged before its end`);
    const job = row as JobRow;
    screen.status(`${short(id)}: ${job.phase}${job.details === '' ? '' : `: ${job.details}`}`);
    if (!isSettled(job)) continue;
    screen.status('');
    if (screen.json) screen.printJson(job);
    const code = exitCodeOf(job);
    if (job.state !== 'F') screen.note(`swm: ${short(id)} ${endOf(job)}`);
    return code;
  }
  throw new Failed('unreachable', 'the watch ended');
}

/** Why it did not run to its end, in words. */
function endOf({ details, state, signal }: JobRow): string {
  if (details !== '') return `ended: ${details}`;
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
