import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { tenureOf } from '../tenure.ts';
import { held, overBudget, spend, tooDear } from './cost.ts';
import { askAwaited, isBarred } from './dependencies.ts';
import {
  askCluster,
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  mark,
  release,
  stay,
  to,
  toScheduler,
} from './job.ts';
import { endsWith, spoiled } from './outcome.ts';

/** The phases before a worker knows of the job: queued, placing, provisioning. */

export const enterQueued = (job: Job): readonly JobEffect[] => [
  toScheduler(
    job,
    isBarred(job)
      ? null
      : {
          attempt: job.attempt,
          submittedAt: job.submittedAt,
          notBefore: job.notBefore,
          spec: job.spec,
          owner: job.owner,
        },
  ),
  ...askAwaited(job),
];

export function queued(job: Job, event: JobHeard, now: Millis): JobStep {
  if (event.is !== 'told' || event.message.name !== 'job.place') return stay(job);
  const { attempt, placement } = event.message.body as Body<'job.place'>;
  if (attempt !== job.attempt || isBarred(job)) return [job, enterQueued(job)];
  const why = tooDear(job, placement);
  if (why !== null) return [release(job, now, endsWith(job, 'E', why)), []];
  return [to(job, 'placing', now, { placement, details: `To run on ${placement.cluster}` }), []];
}

const claim = (job: Job): JobEffect =>
  askCluster(
    job,
    message('cluster.claim', {
      cluster: job.placement?.cluster ?? '',
      job: job.id,
      attempt: job.attempt,
      owner: job.owner,
      account: job.spec.account,
      placement: job.placement as NonNullable<Job['placement']>,
      tenure: tenureOf(job.owner, job.spec),
    }),
    'claim',
  );

export const enterPlacing = (job: Job): readonly JobEffect[] => [
  toScheduler(job, null),
  claim(job),
];

const later: JobEffect = { do: 'after', ms: limits.againMs, event: { is: 'again' } };

/** How long a job waits that was refused so often in a row. */
export const refusedFor = ({ refusals }: Job): Millis =>
  Math.min(limits.refusedMsMax, limits.againMs * 2 ** Math.min(refusals, 20));

export function placing(job: Job, event: JobHeard, now: Millis): JobStep {
  if (event.is === 'answered')
    return [to(job, 'provisioning', now, { details: CREATE, ...held(job, now) }), []];
  if (event.is === 'again') return [job, [claim(job)]];
  if (event.is !== 'unanswered') return stay(job);
  const { code, text } = event.failure;
  // Of any other claim nobody knows whether it was kept: only a plain no lets the job go elsewhere.
  if (code === 'full' || code === 'refused') return [refused(job, text, code, now), []];
  return [job.details === text ? job : { ...job, details: text }, [later]];
}

/** It costs the job nothing. A node that was full is soon free; a name that is taken is not. */
function refused(job: Job, details: string, code: 'full' | 'refused', now: Millis): Job {
  const refusals = code === 'full' ? 0 : job.refusals + 1;
  return to(job, 'queued', now, {
    placement: null,
    notBefore: now + refusedFor({ ...job, refusals }),
    refusals,
    attempt: job.attempt + 1,
    firstAttempt: job.firstAttempt + 1,
    details,
  });
}

const CREATE = 'Initiate a new partition';

export const enterProvisioning = (job: Job, now: Millis): readonly JobEffect[] => [
  claim(job),
  { do: 'after', ms: job.since + limits.provisionMsMax - now, event: { is: 'late' } },
  ...spend(job, now),
];

export function provisioning(job: Job, event: JobHeard, now: Millis): JobStep {
  if (event.is === 'late') return [spoiled(job, now, failure('timeout', 'no cluster in time')), []];
  if (event.is === 'spent')
    return [release(job, now, endsWith(job, 'E', overBudget(job, now))), []];
  if (event.is === 'again') return [job, [claim(job)]];
  if (event.is === 'unanswered') return [job, [later]];
  if (event.is !== 'told' || event.message.name !== 'job.cluster') return stay(job);
  const news = event.message.body as Body<'job.cluster'>;
  if (news.phase === 'up') return [stage({ ...job, cluster: news }, now), []];
  if (news.phase === 'gone' || news.phase === 'releasing')
    return [refusedBySite({ ...job, cluster: news }, now), []];
  if (news.detail === job.details) return [{ ...job, cluster: news }, []];
  return [mark({ ...job, cluster: news, details: news.detail }, now, news.detail), []];
}

/** A site that is full today is asked again tomorrow; that costs the job no attempt. */
function refusedBySite(job: Job, now: Millis): Job {
  const why = job.cluster?.failure ?? failure('site_error', 'the cluster is gone');
  const isFull = why.code === 'quota' || why.code === 'capacity';
  if (!isFull && why.code !== 'evicted') return spoiled(job, now, why);
  const { flavor = '', remote = '' } = job.placement?.made ?? {};
  const details = `${flavor} at ${remote}: ${why.text}`;
  return release(mark(job, now, details), now, {
    again: 'attempt',
    firstAttempt: job.firstAttempt + 1,
    // What is full is known, and passed over: who waited longer would only come later to the next.
    refusals: isFull ? job.refusals : job.refusals + 1,
    details,
    outcome: null,
  });
}

const stage = (job: Job, now: Millis): Job =>
  to(job, 'staging', now, {
    ordered: true,
    refusals: 0,
    reports: (job.placement?.nodes ?? []).map(() => null),
    details: 'Data upload has started',
  });
