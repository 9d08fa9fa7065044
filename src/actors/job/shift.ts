import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  forbidden,
  isLive,
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  speaksFor,
  stay,
} from './job.ts';
import { nodeOf } from './orders.ts';

/** A job that runs tasks of an array: it knows its worker, and hands on what that has to say. */

const KEY = 'next/';

/** Its worker tells results and wants more; only that worker may. */
export function next(job: Job, body: Body<'shift.next'>, who: Who, ask: number): JobStep {
  const { node, job: id, ...news } = body;
  const refuse = (why: ReturnType<typeof failure>): JobStep => [
    job,
    [{ do: 'refuse', ask, failure: why }],
  ];
  if (!speaksFor(who, node) || !job.shift) return refuse(forbidden(job));
  if (news.attempt !== job.attempt || !isLive(job) || nodeOf(job, 0) !== node)
    return refuse(failure('wrong_phase', `attempt ${news.attempt} of job ${job.id} is given up`));
  const { array, number } = job.shift;
  const losses = job.attempt - job.firstAttempt;
  const asked = message('array.work', { ...news, job: array, shift: id, number, losses });
  const to = control(`/jobs/${array}`);
  return [job, [{ do: 'ask', to, message: asked, ms: limits.claimMs, key: `${KEY}${ask}` }]];
}

/** The array's answer goes to the worker that asked; undefined: it is no such answer. */
export function granted(job: Job, event: JobHeard): JobStep | undefined {
  if (event.is !== 'answered' && event.is !== 'unanswered') return undefined;
  if (!event.key.startsWith(KEY)) return undefined;
  const ask = Number(event.key.slice(KEY.length));
  return event.is === 'answered'
    ? [job, [{ do: 'reply', ask, body: event.body }]]
    : [job, [{ do: 'refuse', ask, failure: event.failure }]];
}

/** Whether it is no shift, or its array knows that it has ended. */
export const hasLeftArray = ({ shift }: Job): boolean => !shift || shift.told === true;

/** Once it has ended its array hears of it, for as long as that takes. */
export function leave(job: Job, now: Millis): readonly JobEffect[] {
  const { shift, outcome, remains } = job;
  if (!shift || hasLeftArray(job) || remains !== 'all') return [];
  const told = message('array.left', {
    job: shift.array,
    shift: job.id,
    number: shift.number,
    isCancelled: outcome?.state === 'C',
    failure: outcome?.failure ?? null,
    cost: job.spent,
    coreMs: coreMsOf(job, now),
  });
  return [
    {
      do: 'ask',
      to: control(`/jobs/${shift.array}`),
      message: told,
      ms: limits.claimMs,
      key: 'left',
    },
  ];
}

const coreMsOf = ({ placement, startedAt, endedAt }: Job, now: Millis): number =>
  placement === null || startedAt === 0
    ? 0
    : Math.max(0, (endedAt || now) - startedAt) * placement.resources.cpus;

export function hasLeft(job: Job, event: JobHeard, now: Millis): JobStep {
  const { shift } = job;
  if (!shift || hasLeftArray(job)) return stay(job);
  const heard: JobStep = [{ ...job, shift: { ...shift, told: true } }, []];
  switch (event.is) {
    case 'answered':
      return heard;
    case 'unanswered':
      if (event.failure.code === 'not_found') return heard;
      return [job, [{ do: 'after', ms: limits.againMs, event: { is: 'again' } }]];
    case 'again':
      return [job, leave(job, now)];
    default:
      return stay(job);
  }
}
