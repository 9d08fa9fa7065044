import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { tenureOf } from '../tenure.ts';
import { type Passed, passOver } from './fit.ts';
import { free } from './free.ts';
import type { Proposed } from './land.ts';
import { nameOf, type Preempted } from './leaving.ts';
import { type InLine, keyed, queued } from './lines.ts';
import type { Proposal } from './pass.ts';
import type { News, Scheduler, SchedulerEffect, SchedulerStep } from './scheduler.ts';
import { put, taken } from './shelf.ts';

/** A pass of the scheduler: what was heard is taken in, those who wait get places, others hear. */

export const NEVER = Number.POSITIVE_INFINITY;

/** A pass soon, together with whatever else happens meanwhile. */
export function soon(state: Scheduler, now: Millis, ms: Millis = limits.passMs): SchedulerStep {
  const at = now + ms;
  if (state.passAt <= at) return [state, []];
  return [{ ...state, passAt: at }, [{ do: 'after', ms, event: { is: 'pass', at } }]];
}

export function pass(before: Scheduler, now: Millis): SchedulerStep {
  const state = caughtUp(before, now);
  const passed = contained(state, now);
  if (typeof passed === 'string') return abandoned(state, passed, now);
  const { proposals, plan, lines, refused, preempted } = passed;
  const proposed = new Map(state.proposed);
  for (const { id, attempt, placement } of proposals) {
    const job = taken(state.waiting, id);
    const tenure = job && { tenure: tenureOf(job.owner ?? '', job.spec) };
    proposed.set(id, { attempt, at: now, placement, ...tenure });
  }
  const heard = { proposed, plan, lines, refused, preempted, passed: state.clusters };
  const next: Scheduler = { ...state, ...heard, fault: '', passAt: NEVER };
  const wake = nextWake(next, now);
  const [after, timer] = wake === undefined ? [next, []] : soon(next, now, wake);
  const asked = preempted.filter((each) => !state.preempted.includes(each));
  const asks = asked.map((each) => askToLeave(each, state));
  return [after, [...proposals.map(propose), ...asks, ...timer]];
}

/**
 * What a pass comes to, or what it threw. It only looks at values and begins nothing: without it
 * all is as it was, and what else the scheduler answers does not wait for its mending.
 */
function contained(state: Scheduler, now: Millis): Passed | string {
  const { waiting, proposed } = state;
  const waits = (job: InLine): boolean => taken(waiting, job.id) === job && !proposed.has(job.id);
  try {
    return passOver(state.lines, waits, free(state), now);
  } catch (error) {
    return String(error instanceof Error ? (error.stack ?? error.message) : error);
  }
}

/** All wait on, and the next pass is a while away: the same is likely to be thrown again. */
function abandoned(state: Scheduler, fault: string, now: Millis): SchedulerStep {
  const [first = fault] = fault.split('\n');
  const next: Scheduler = { ...state, fault: first, passAt: NEVER };
  const [after, timer] = soon(next, now, limits.faultMs);
  const text = `a pass was abandoned: ${first}`;
  return [after, [{ do: 'note', level: 'error', text, fields: { stack: fault } }, ...timer]];
}

const propose = ({ id, attempt, placement }: Proposal): SchedulerEffect => ({
  do: 'tell',
  to: control(`/jobs/${id}`),
  message: message('job.place', { id, attempt, placement }),
});

const askToLeave = (
  { id, attempt, for: other }: Preempted,
  { policy }: Scheduler,
): SchedulerEffect => {
  const { by, graceMs } = policy.preemption;
  const body = {
    job: id,
    attempt,
    for: other,
    graceMs,
    by: by === 'off' ? 'requeue' : by,
  } as const;
  return { do: 'tell', to: control(`/jobs/${id}`), message: message('job.preempt', body) };
};

/** Who has left is asked no more; who has not in time may not have heard, and is asked again. */
function withLeft(state: Scheduler, now: Millis): Scheduler {
  if (state.preempted.length === 0) return state;
  const there = new Set(
    [...state.clusters.values()].flatMap(({ holds = [] }) => holds.map((hold) => nameOf(hold))),
  );
  const preempted = state.preempted.filter(
    ({ id, attempt, since }) =>
      there.has(nameOf({ job: id, attempt })) && now < lateAt(since, state),
  );
  return { ...state, preempted };
}

const lateAt = (since: Millis, { policy }: Pick<Scheduler, 'policy'>): Millis =>
  since + policy.preemption.graceMs + limits.preemptAgainMs;

/** As a pass begins: with all that was heard and read, and without who has left. */
export const caughtUp = (state: Scheduler, now: Millis): Scheduler =>
  withLeft(takenIn(state, now), now);

/** Takes in what was heard and read, and whose time has come: each stands in its line, or rests. */
function takenIn(state: Scheduler, now: Millis): Scheduler {
  const changes = changesOf(state);
  const waiting = put(state.waiting, changes);
  const resting = new Map(state.resting);
  const ready: InLine[] = [];
  const stand = (job: InLine): void => {
    if (job.notBefore > now) resting.set(job.id, job);
    else ready.push(job);
  };
  for (const id of changes.keys()) resting.delete(id);
  for (const [id, job] of resting) {
    if (job.notBefore > now) continue;
    resting.delete(id);
    ready.push(job);
  }
  const proposed = new Map<string, Proposed>();
  for (const [id, proposal] of state.proposed) {
    const job = taken(waiting, id);
    const isOpen = now - proposal.at < limits.proposalMs;
    if (isOpen && (job?.attempt ?? proposal.attempt) === proposal.attempt)
      proposed.set(id, proposal);
    else if (job !== undefined && !changes.has(id)) stand(job);
  }
  for (const [id, job] of changes) if (job !== null && !proposed.has(id)) stand(job);
  const lines = queued(state.lines, ready);
  return { ...state, waiting, resting, proposed, lines, news: null, read: [] };
}

/** The newest word on each; what was heard is newer than what was read. */
function changesOf({ news, read, waiting, policy }: Scheduler): ReadonlyMap<string, InLine | null> {
  const withKey = keyed(policy);
  const changes = new Map<string, InLine | null>();
  for (let n: News = news; n !== null; n = n.before)
    if (!changes.has(n.id)) changes.set(n.id, n.waits && withKey({ id: n.id, ...n.waits }));
  // Who came first is to be taken in first.
  const inOrder = new Map([...changes].reverse());
  for (const job of read)
    if (!inOrder.has(job.id) && taken(waiting, job.id) === undefined)
      inOrder.set(job.id, withKey(job));
  return inOrder;
}

/** When something changes by itself: a job may be tried again, or a proposal was not heard. */
function nextWake(state: Scheduler, now: Millis): Millis | undefined {
  const { resting, proposed, preempted, policy } = state;
  let at = NEVER;
  for (const { since } of preempted) at = Math.min(at, lateAt(since, state));
  for (const { notBefore } of resting.values()) at = Math.min(at, notBefore);
  for (const { at: since } of proposed.values()) at = Math.min(at, since + limits.proposalMs);
  for (const { refusedUntil } of [...state.reputes.values()].flat())
    if (refusedUntil > now) at = Math.min(at, refusedUntil);
  for (const { until } of policy.reservations) {
    const end = Date.parse(until);
    if (end > now) at = Math.min(at, end);
  }
  return at === NEVER ? undefined : Math.min(at - now + 1, TIMER_MS_MAX);
}

/** Timers take no longer ones. */
const TIMER_MS_MAX = 2 ** 31 - 1;
