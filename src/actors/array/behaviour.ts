import type { NamedTasks } from '../../protocol/array-model.ts';
import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { maySay } from '../job/admins.ts';
import { askAwaited, awaited, foundAwaiting, heardOfOthers } from '../job/dependencies.ts';
import { purged } from '../job/ending.ts';
import { mayNotRelease, onHold, unheld, updated } from '../job/hold.ts';
import {
  forbidden,
  type JobEffect,
  type JobHeard,
  type JobStep,
  mark,
  refuse,
  type ToldJob,
  toScheduler,
} from '../job/job.ts';
import { type ArrayJob, all, between, type Tasks } from './array.ts';
import { again, settled } from './ending.ts';
import { cancelIn, requeueIn } from './granting.ts';
import { drawn, grow, left, notMade, restOf, say, work } from './shifts.ts';

/**
 * An array's life: it has shifts made for its tasks, and ends when all tasks have. It is a job of
 * its own kind, in the place of a job: whatever is asked of jobs is asked of it.
 */
export function enterArray(job: ArrayJob): readonly JobEffect[] {
  if (job.phase === 'queued') return askAwaited(job);
  return job.phase === 'ended' ? [] : say(job);
}

const later: JobEffect = { do: 'after', ms: limits.againMs, event: { is: 'again' } };

export function onArray(job: ArrayJob, event: JobHeard, now: Millis): JobStep {
  const others = foundAwaiting(job, event) ?? heardOfOthers(job, event, now);
  const [next, effects] = (others as Heard | undefined) ?? heard(job, event, now);
  if (next === job || next.phase === 'ended') return [next, effects];
  const then = settled(next, now);
  if (then.phase !== job.phase || then.round !== job.round) return [then, effects];
  if (restOf(then) > restOf(job)) return [then, [...effects, ...say(then)]];
  const [more, asks] = grow(then);
  return [more, [...effects, ...asks]];
}

type Heard = readonly [ArrayJob, readonly JobEffect[]];

function heard(job: ArrayJob, event: JobHeard, now: Millis): Heard {
  switch (event.is) {
    case 'told':
      return told(job, event, now);
    case 'again':
      return [job, enterArray(job)];
    case 'done':
      return event.task === 'draw' ? drawn(job, event.value) : [job, []];
    case 'failed':
      return [job, [later]];
    case 'unanswered':
      return event.failure.retry ? [job, [later]] : [notMade(job, event.key), []];
    default:
      return [job, []];
  }
}

function told(job: ArrayJob, event: ToldJob, now: Millis): Heard {
  const { ask, who, message: m } = event;
  switch (m.name) {
    case 'job.create':
      return created(job, m.body as Body<'job.create'>, ask);
    case 'array.work':
      return work(job, m.body as Body<'array.work'>, ask, now);
    case 'array.left': {
      const reply: JobEffect = { do: 'reply', ask, body: {} };
      return [left(job, m.body as Body<'array.left'>, now), [reply]];
    }
    case 'job.await':
      return awaited(job, ask) as Heard;
    case 'job.place':
      return [job, [toScheduler(job, null)]];
    case 'job.cancel':
    case 'job.requeue':
    case 'job.checkpoint':
    case 'job.hold':
    case 'job.release':
    case 'job.update':
    case 'job.purge':
      return maySay(job, who, m.name) ? asked(job, event, now) : no(job, ask, forbidden(job));
    default:
      return ask === 0 ? [job, []] : wrong(job, ask, 'it is an array, and runs nothing itself');
  }
}

const no = (job: ArrayJob, ask: number, why: Failure): Heard => [
  job,
  [{ do: 'refuse', ask, failure: why }],
];

const yes = (job: ArrayJob, ask: number, more: object = {}): Heard => [
  job,
  [{ do: 'reply', ask, body: { id: job.id, ...more } }],
];

function created(job: ArrayJob, { digest, owner }: Body<'job.create'>, ask: number): Heard {
  if (digest === job.digest && owner === job.owner) return yes(job, ask);
  return no(job, ask, failure('key_reused', `this key has made job ${job.id} of another request`));
}

function asked(job: ArrayJob, event: ToldJob, now: Millis): Heard {
  const { ask, who, message: m } = event;
  switch (m.name) {
    case 'job.cancel':
      return cancel(job, (m.body as Body<'job.cancel'>).tasks, ask, now);
    case 'job.requeue':
      return requeue(job, (m.body as Body<'job.requeue'>).tasks, ask, now);
    case 'job.purge':
      return purge(job, m.body as Body<'job.purge'>, ask, now);
    case 'job.hold':
      if (job.phase === 'ended') return wrong(job, ask, 'it has ended already');
      return yes(onHold(job, who, now) as ArrayJob, ask);
    case 'job.release': {
      const why = mayNotRelease(job, who);
      if (why !== null) return no(job, ask, why);
      return yes(job.hold ? (mark(unheld(job), now, 'released') as ArrayJob) : job, ask);
    }
    case 'job.update':
      if (job.phase === 'ended') return wrong(job, ask, 'it has ended already');
      return yes(updated(job, m.body as Body<'job.update'>, now) as ArrayJob, ask);
    default:
      return wrong(job, ask, 'an array has no checkpoints');
  }
}

const wrong = (job: ArrayJob, ask: number, why: string): Heard => {
  const [, effects] = refuse(job, ask, why);
  return [job, effects];
};

/** Those tasks, or undefined where some name none of this array. */
function placesOf(
  job: ArrayJob,
  named: NamedTasks | undefined,
): readonly [number, number][] | null {
  const places = (named ?? []).map(([from, to]) => between(job, from, to));
  return places.every((some) => some !== undefined) ? places : null;
}

const unknown = (job: ArrayJob, ask: number): Heard =>
  no(job, ask, failure('not_found', `array ${job.id} has no such task`));

function cancel(job: ArrayJob, named: NamedTasks | undefined, ask: number, now: Millis): Heard {
  if (job.phase === 'ended') return wrong(job, ask, 'it has ended already');
  const places = placesOf(job, named);
  if (places === null) return unknown(job, ask);
  if (named === undefined) {
    const tasks = cancelIn(job.tasks, all(job.tasks));
    const next = settled({ ...job, hold: null, cancelled: true, tasks }, now);
    return yes(next, ask, { phase: next.phase });
  }
  return yes({ ...job, tasks: places.reduce(cancelIn, job.tasks) }, ask, { phase: job.phase });
}

function requeue(job: ArrayJob, named: NamedTasks | undefined, ask: number, now: Millis): Heard {
  const isLive = job.phase !== 'ended';
  if (isLive && (job.cancelled || job.stop !== null))
    return wrong(job, ask, 'it is being ended; requeue it once it has');
  if (isLive && named === undefined)
    return wrong(job, ask, 'it has not ended; name the tasks that are to run again');
  const places = placesOf(job, named);
  if (places === null) return unknown(job, ask);
  const next = again(job, now);
  const tasks: Tasks = (named === undefined ? [all(job.tasks)] : places).reduce(
    requeueIn,
    next.tasks,
  );
  return yes({ ...next, tasks }, ask, { run: next.run });
}

/** Its shifts are forgotten with it. */
function purge(job: ArrayJob, { before }: Body<'job.purge'>, ask: number, now: Millis): Heard {
  if (job.phase !== 'ended') return wrong(job, ask, 'it has not ended; cancel it first');
  if (before !== undefined && job.since >= before) return yes(job, ask);
  const shifts = job.tasks.shifts.flat().map(
    ({ id }): JobEffect => ({
      do: 'tell',
      to: control(`/jobs/${id}`),
      message: message('job.purge', { id }),
    }),
  );
  const { tasks: _, ...rest } = purged(job, now);
  const [, effects] = yes(job, ask);
  return [rest as ArrayJob, [...effects, ...shifts]];
}
