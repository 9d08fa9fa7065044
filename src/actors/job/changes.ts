import type { JobChange } from '../../protocol/job-change.ts';
import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Job, JobEffect, JobHeard, JobStep } from './job.ts';
import { letter, row } from './view.ts';

/** The changes of a job's letter that its herald has not got yet; `seq` is that of the last one. */
export type Changes = { readonly seq: number; readonly untold: readonly JobChange[] };

const KEY = 'changes';

/** Notes that a job shows another letter than before, if somebody is to be told. */
export function noticed(before: Job | null, job: Job, now: Millis): Job {
  if (job.spec.notify === '' || (before !== null && letter(before) === letter(job))) return job;
  const seq = (before?.changes?.seq ?? 0) + 1;
  const { name, state, phase, details, exitcode, signal, attempt, run, ...shown } = row(job);
  const { submittedAt, startedAt, endedAt } = shown;
  const change: JobChange = {
    ...{ seq, at: now, name, state, phase, details, exitcode, signal, attempt, run },
    ...{ submittedAt, startedAt, endedAt },
  };
  const untold = [...(job.changes?.untold ?? []), change].slice(-limits.heraldChangesMax);
  return { ...job, changes: { seq, untold } };
}

/** A step of a job that may have changed what it shows. */
export function withChanges(before: Job, step: JobStep, now: Millis): JobStep {
  const [next, effects] = step;
  if (next === before || next.spec.notify === '') return step;
  const job = noticed(before, next, now);
  if (job === next) return step;
  const moves = job.phase !== before.phase || job.round !== before.round;
  // Whoever enters a phase tells it there.
  return [job, moves ? effects : [...effects, ...telling(job)]];
}

export const hasUntold = ({ changes }: Job): boolean => (changes?.untold.length ?? 0) > 0;

/** Gives its herald what that has not got. */
export function telling(job: Job): readonly JobEffect[] {
  const { id, spec, changes } = job;
  if (!changes || !hasUntold(job)) return [];
  return [
    {
      do: 'ask',
      to: control(`/heralds/${id}`),
      message: message('herald.tell', { job: id, url: spec.notify, changes: [...changes.untold] }),
      ms: limits.claimMs,
      key: KEY,
    },
  ];
}

/** What its herald says, in whatever phase; undefined: it is no such event. */
export function ofHerald(job: Job, event: JobHeard): JobStep | undefined {
  if (event.is === 'untold') return [job, telling(job)];
  if (event.is === 'unanswered' && event.key === KEY)
    return [job, [{ do: 'after', ms: limits.againMs, event: { is: 'untold' } }]];
  if (event.is !== 'answered' || event.key !== KEY || !job.changes) return undefined;
  const { seq: upTo } = event.body as { readonly seq: number };
  const untold = job.changes.untold.filter(({ seq }) => seq > upTo);
  return [{ ...job, changes: { ...job.changes, untold } }, []];
}
