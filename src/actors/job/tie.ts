import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isTied, type Job, type JobEffect, type JobStep, refuse } from './job.ts';

/** A job that is there for a terminal is told that the terminal is; nothing of it begins anew. */
export function tied(job: Job, ask: number, now: Millis): JobStep {
  if (!isTied(job)) return refuse(job, ask, 'it has no terminal');
  if (!waitsForTerminal(job)) return refuse(job, ask, 'it ends');
  const until = now + limits.tieMs;
  return [{ ...job, tiedUntil: until }, [{ do: 'reply', ask, body: { id: job.id, until } }]];
}

/** Looks again when the terminal will have been silent for too long. */
export const lookAfter = (job: Job, now: Millis): readonly JobEffect[] =>
  waitsForTerminal(job)
    ? [{ do: 'after', ms: (job.tiedUntil ?? 0) - now, event: { is: 'untied' } }]
    : [];

export const isUntied = (job: Job, now: Millis): boolean =>
  waitsForTerminal(job) && now >= (job.tiedUntil ?? 0);

/** What ends already ends without it. */
const waitsForTerminal = (job: Job): boolean =>
  isTied(job) && !job.cancelled && job.phase !== 'releasing' && job.phase !== 'ended';
