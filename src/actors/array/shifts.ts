import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Reply } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type JobEffect, mark } from '../job/job.ts';
import {
  type ArrayJob,
  liveShifts,
  type Shift,
  shiftOf,
  type Tasks,
  waitingOf,
  withShift,
} from './array.ts';
import { giveBack, grant, take, unwantedOf } from './granting.ts';

/** What an array does about its shifts: has them made, gives them work, and hears how they end. */

/** Whether tasks may be given out. */
const isOpen = ({ hold, cancelled, stop }: ArrayJob): boolean =>
  !hold && !cancelled && stop === null;

/** How many shifts more could do something. */
function missing(job: ArrayJob): number {
  if (!isOpen(job)) return 0;
  const { live, begun } = job.tasks.tally;
  const limit = job.spec.array?.limit || limits.arrayShiftsMax;
  const most = Math.min(limit, limits.arrayShiftsMax, 2 * begun + limits.arrayShiftsFirst);
  return Math.max(0, Math.min(most - live, waitingOf(job.tasks) - (live - begun)));
}

/** Shifts that have nothing to do when they get a place. */
const isIdle = (job: ArrayJob): boolean => !isOpen(job) || waitingOf(job.tasks) === 0;

/** Whether what runs is to be ended, and does not end by itself. */
const isEnding = ({ cancelled, stop }: ArrayJob): boolean => cancelled || stop !== null;

/** How little its shifts have to do: 0 much, 1 those that wait nothing, 2 none of them anything. */
export const restOf = (job: ArrayJob): number => (isEnding(job) ? 2 : Number(isIdle(job)));

/** All that its shifts may not have heard. */
export function say(job: ArrayJob): readonly JobEffect[] {
  const effects: JobEffect[] = [];
  for (const [number, { id, is }] of liveShifts(job.tasks)) {
    if (isEnding(job) || (is === 'asked' && isIdle(job))) effects.push(cancel(id));
    else if (is === 'asked') effects.push(create(job, number, id));
  }
  return [...effects, ...draw(job)];
}

const cancel = (id: string): JobEffect => ({
  do: 'tell',
  to: control(`/jobs/${id}`),
  message: message('job.cancel', { id }),
});

const draw = (job: ArrayJob): readonly JobEffect[] => {
  const count = missing(job);
  return count === 0 ? [] : [{ do: 'run', task: 'draw', input: { count } }];
};

/** Has more of them made, unless some are being made. */
export function grow(job: ArrayJob): readonly [ArrayJob, readonly JobEffect[]] {
  const effects = job.tasks.drawing ? [] : draw(job);
  return effects.length === 0
    ? [job, []]
    : [{ ...job, tasks: { ...job.tasks, drawing: true } }, effects];
}

/** It is a job like any other, but that nobody sees it; what it is to do it asks for. */
const create = (job: ArrayJob, number: number, id: string): JobEffect => ({
  do: 'ask',
  to: control(`/jobs/${id}`),
  ms: limits.claimMs,
  key: `create/${number}`,
  message: message('job.create', {
    id,
    owner: job.owner,
    spec: { ...job.spec, walltimeMs: 0, retries: 0, hold: false, notify: '' },
    script: job.script,
    scriptBlob: job.scriptBlob,
    inputs: [...job.inputs],
    digest: `shift ${number} of ${job.id}`,
    from: job.from,
    shift: { array: job.id, number, taskMs: job.spec.walltimeMs },
  }),
});

const FRESH: Omit<Shift, 'id'> = {
  is: 'asked',
  attempt: 0,
  losses: 0,
  heard: 0,
  grant: 0,
  last: [],
  open: [],
  did: false,
};

/** Ids were drawn: as many as are still wanted become shifts. */
export function drawn(
  job: ArrayJob,
  ids: readonly string[],
): readonly [ArrayJob, readonly JobEffect[]] {
  let tasks: Tasks = { ...job.tasks, drawing: false };
  const effects: JobEffect[] = [];
  for (const id of ids.slice(0, missing(job))) {
    const number = tasks.tally.made;
    tasks = withShift(tasks, number, { ...FRESH, id });
    effects.push(create(job, number, id));
  }
  return [{ ...job, tasks }, effects];
}

/** Its job could not be made: another has that id. */
export function notMade(job: ArrayJob, key: string): ArrayJob {
  const number = Number(key.slice('create/'.length));
  const shift = shiftOf(job.tasks, number);
  if (shift?.is !== 'asked') return job;
  return { ...job, tasks: withShift(job.tasks, number, { ...shift, is: 'over' }) };
}

/**
 * A shift tells how its tasks ended, and is given more. Said twice, nothing is taken twice: what
 * was taken is known by its place in the list of results, and a grant by its number.
 */
export function work(
  before: ArrayJob,
  asked: Body<'array.work'>,
  ask: number,
  now: Millis,
): readonly [ArrayJob, readonly JobEffect[]] {
  const { number } = asked;
  const known = shiftOf(before.tasks, number);
  const isStale = known === undefined || known.id !== asked.shift || asked.attempt < known.attempt;
  if (isStale || known.is === 'over') return [before, [reply(ask, OVER)]];
  const job = begun(before, asked, now);
  const shift = shiftOf(job.tasks, number) as Shift;
  // It has to tell what follows, or nothing that is known already.
  if (asked.from !== shift.heard)
    return [job, [reply(ask, { ...OVER, over: false, heard: shift.heard, grant: shift.grant })]];
  let { tasks } = job;
  if (asked.to > asked.from) tasks = take(tasks, number, { ...asked, retries: retriesOf(job) });
  const hasLast = asked.granted >= shift.grant;
  if (hasLast && asked.wants > 0 && isOpen(job)) tasks = grant(tasks, number, asked.wants);
  if (shiftOf(tasks, number)?.did && tasks.tally.barren > 0)
    tasks = { ...tasks, tally: { ...tasks.tally, barren: 0 } };
  const then = shiftOf(tasks, number) as Shift;
  const isNew = then.grant > asked.granted;
  const next = { ...job, tasks };
  const answer = {
    heard: then.heard,
    grant: then.grant,
    places: isNew ? [...then.last] : [],
    cancelled: unwantedOf(tasks, number),
    over: isIdle(next) && !isNew,
  };
  return [next, [reply(ask, answer)]];
}

const OVER: Reply<'array.work'> = { heard: 0, grant: 0, places: [], cancelled: [], over: true };

const reply = (ask: number, body: Reply<'array.work'>): JobEffect => ({ do: 'reply', ask, body });

const retriesOf = ({ cancelled, spec }: ArrayJob): number => (cancelled ? 0 : spec.retries);

/** It speaks for the first time, or its job has come to another attempt. */
function begun(
  job: ArrayJob,
  { number, attempt, losses }: Body<'array.work'>,
  now: Millis,
): ArrayJob {
  const shift = shiftOf(job.tasks, number) as Shift;
  if (shift.attempt === attempt) return job;
  // An attempt that moved elsewhere, or made room, says nothing of what it ran.
  const tasks = giveBack(job.tasks, number, losses > shift.losses);
  const { id } = shift;
  const next = {
    ...job,
    tasks: withShift(tasks, number, { ...FRESH, id, is: 'begun', attempt, losses }),
  };
  return job.startedAt > 0 ? next : { ...mark(next, now, 'running'), startedAt: now };
}

/** The job of a shift has ended: nothing of it runs, and what it has not told is for others. */
export function left(job: ArrayJob, told: Body<'array.left'>, now: Millis): ArrayJob {
  const { number, failure: why, isCancelled, cost, coreMs } = told;
  const shift = shiftOf(job.tasks, number);
  if (shift === undefined || shift.id !== told.shift || shift.is === 'over') return job;
  const isItsFault =
    !isCancelled && shift.is === 'begun' && !['evicted', 'preempted'].includes(why?.code ?? '');
  const given = giveBack(job.tasks, number, isItsFault);
  const over = { ...(shiftOf(given, number) as Shift), is: 'over' as const };
  const tasks = withShift(given, number, over);
  const isBarren = !isCancelled && !shift.did && (why !== null || shift.open.length > 0);
  const barren = tasks.tally.barren + Number(isBarren);
  const tally = { ...tasks.tally, barren, coreMs: tasks.tally.coreMs + coreMs };
  const next = { ...job, spent: job.spent + cost, tasks: { ...tasks, tally } };
  if (barren < limits.arrayBarrenMax || job.stop !== null) return next;
  const text = `${barren} shifts in a row ended without the result of any task`;
  const last = why === null ? '' : `, the last: ${why.text}`;
  return { ...next, stop: { failure: failure(why?.code ?? 'lost', `${text}${last}`), since: now } };
}
