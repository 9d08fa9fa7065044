import { failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isLive, type Job, mark, release } from './job.ts';
import { end } from './live.ts';
import { endsWith } from './outcome.ts';

/**
 * Makes room for another of a higher priority, if its script lets it. What it is stopped for costs
 * it no attempt; where the policy says so it does not come back. Said again it changes nothing.
 */
export function preempted(
  job: Job,
  { attempt, by, for: other, graceMs }: Body<'job.preempt'>,
  now: Millis,
): Job {
  const isOver = job.stop !== null || job.phase === 'collecting' || job.phase === 'releasing';
  if (attempt !== job.attempt || !job.spec.preemptible || job.placement === null || isOver)
    return job;
  const why = failure('preempted', `made room for job ${other}, which goes before it`);
  const marked = mark(job, now, why.text);
  const next: Job =
    by === 'cancel'
      ? { ...marked, cancelled: true }
      : { ...marked, again: 'attempt', firstAttempt: job.firstAttempt + 1 };
  if (!isLive(job))
    return release(next, now, by === 'cancel' ? endsWith(next, 'C', why) : { outcome: null });
  const ending = end(next, why, now);
  return { ...ending, stop: ending.stop && { ...ending.stop, graceMs } };
}
