import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Job, type Outcome, release } from './job.ts';
import { hasEndedItself, whyMoving } from './moving.ts';

/** What an attempt that is over comes to: the end of its run, or another attempt. */

export const endsWith = (
  job: Job,
  state: Outcome['state'],
  why: Failure | null,
): Pick<Job, 'outcome' | 'again'> => {
  const exit = exitOf(job);
  return {
    outcome: { state, exitcode: exit.code, signal: exit.signal, failure: why },
    again: 'no',
  };
};

/** The main process's exit, or the first of the others that is not good while that one is. */
function exitOf(job: Job): { readonly code: number; readonly signal: number } {
  const good = { code: 0, signal: 0 };
  const [main = good, ...others] = job.reports.map((r) => r?.exit ?? good);
  if (main.code !== 0 || main.signal !== 0) return main;
  const isOwn = (_: unknown, i: number): boolean => job.reports[i + 1]?.stopped === false;
  return others.find((exit, i) => isOwn(exit, i) && exit.signal === 0 && exit.code > 0) ?? main;
}

/** What an attempt that failed leads to: another, or the end. A loss of ours costs it less. */
export function spoiled(job: Job, now: Millis, why: Failure): Job {
  if (job.cancelled) return release(job, now, endsWith(job, 'C', null));
  const again = { again: 'attempt', outcome: null, details: why.text } as const;
  // What is lost with a machine that its site took costs no attempt.
  if (why.retry && whyMoving(job) !== null)
    return release(job, now, { ...again, firstAttempt: job.firstAttempt + 1 });
  // What is spent is spent: another attempt would have nothing.
  return why.code !== 'over_budget' && triesAgain(job, why.retry ? limits.attemptsMax : 1)
    ? release(job, now, again)
    : release(job, now, endsWith(job, 'E', why));
}

const triesAgain = ({ attempt, firstAttempt, spec }: Job, most: number): boolean =>
  attempt - firstAttempt + 1 < most + spec.retries;

/** The attempt is over on every node: what came of it? */
export function settle(job: Job, now: Millis): Job {
  const main = job.reports[0];
  const done = { ...job, endedAt: job.endedAt || main?.exitedAt || now };
  const isDone = hasEndedItself(job);
  if (job.again !== 'no' && !isDone)
    return release(done, now, { outcome: null, details: job.stop?.failure?.text ?? '' });
  const preempted = job.stop?.failure?.code === 'preempted' ? job.stop.failure : null;
  if (job.cancelled && !(isDone && preempted))
    return release(done, now, endsWith(done, 'C', preempted));
  const why = job.stop?.failure ?? job.reports.find((r) => r?.failure)?.failure;
  if (why && !isDone) return spoiled(done, now, why);
  const exit = main?.exit;
  if (!exit) return spoiled(done, now, failure('lost', 'its machine is gone'));
  if (main.phase !== 'over')
    return spoiled(done, now, failure('lost', 'its machine is gone, and its results with it'));
  if (exit.lost) {
    const text = 'its process is gone, and nothing tells how it ended';
    return spoiled(done, now, failure('lost', text, false));
  }
  if (exit.outOfMemory) return spoiled(done, now, failure('out_of_memory', 'out of memory'));
  if (exit.signal !== 0) {
    const text = `killed by signal ${exit.signal}, which swm did not send`;
    return spoiled(done, now, failure('killed', text));
  }
  const { exitcode } = endsWith(done, 'F', null).outcome ?? { exitcode: 0 };
  if (exitcode === 0 || !triesAgain(done, 1)) return release(done, now, endsWith(done, 'F', null));
  const details = `ended with exit code ${exitcode}; it is tried again`;
  return release(done, now, { again: 'attempt', outcome: null, details });
}
