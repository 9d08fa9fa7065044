import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Heard, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { due, enterDue } from './due.ts';

/**
 * A script that is submitted again and again. `waiting` for its time; `due` while the job of that
 * time is made; `paused`; `removed`: nothing of it is kept.
 */
export type Schedule = Omit<Body<'schedule.keep'>, 'schedule'> & {
  readonly phase: 'waiting' | 'due' | 'paused' | 'removed';
  readonly round: number;
  readonly id: string;
  /** Its time was missed, and is not made up for. */
  readonly skips: boolean;
  /** What is known of the job that is to be made: its id, and the time after it. */
  readonly plan: Plan | null;
  readonly lastAt: Millis;
  readonly lastJob: string;
  /** Why it made no job at its last time. */
  readonly trouble: string;
};

export type Plan = {
  readonly job: string;
  readonly nextAt: Millis;
  /** The job before is no reason not to make it. */
  readonly isFree: boolean;
};

export type ScheduleHears = 'schedule.keep' | 'schedule.turn';
export type ScheduleEvent = { readonly is: 'tick' } | { readonly is: 'again' };
export type ScheduleTasks = {
  /** Names the job for a time, always alike, and finds the time after an instant; 0: none. */
  plan: readonly [
    {
      readonly id: string;
      readonly owner: string;
      readonly at: Millis;
      readonly cron: string;
      readonly zone: string;
      readonly after: Millis;
    },
    Omit<Plan, 'isFree'> & {
      /** Why its owner may have no jobs any more, or ''. */
      readonly refused: string;
    },
  ];
};
export type ScheduleEffect = Effect<ScheduleEvent, ScheduleTasks>;
export type ScheduleStep = Step<Schedule, ScheduleEvent, ScheduleTasks>;
export type ScheduleHeard = Heard<ScheduleHears, ScheduleEvent, ScheduleTasks>;

/**
 * Makes a job at each of its times, once: a job's id follows from the time, which is kept before
 * the job is asked for, so that it may be asked for any number of times.
 */
export const schedule: Behaviour<
  Body<'schedule.keep'>,
  Schedule,
  ScheduleHears,
  ScheduleEvent,
  ScheduleTasks
> = {
  init: blank,

  enter(state, now): readonly ScheduleEffect[] {
    switch (state.phase) {
      case 'waiting':
        return state.nextAt === 0 ? [] : [wait(state, now)];
      case 'due':
        return [enterDue(state, now)];
      case 'paused':
      case 'removed':
        return [];
    }
  },

  on(state, event, now): ScheduleStep {
    if (event.is === 'told') return told(state, event);
    switch (state.phase) {
      case 'waiting':
        return event.is === 'tick' ? ticked(state, now) : [state, []];
      case 'due':
        return due(state, event);
      case 'paused':
      case 'removed':
        return [state, []];
    }
  },
};

function blank({ schedule: id, ...kept }: Body<'schedule.keep'>): Schedule {
  const before = { lastAt: 0, lastJob: '', trouble: '' };
  return { ...kept, ...before, phase: 'removed', round: 0, id, skips: false, plan: null };
}

const wait = ({ nextAt }: Schedule, now: Millis): ScheduleEffect => ({
  do: 'after',
  ms: Math.max(0, nextAt - now),
  event: { is: 'tick' },
});

/** Of all times that passed while nothing could run, the first stands for all. */
function ticked(state: Schedule, now: Millis): ScheduleStep {
  if (now < state.nextAt) return [state, [wait(state, now)]];
  const isMissed = now - state.nextAt > limits.missedMs;
  return [{ ...state, phase: 'due', skips: isMissed && state.missed === 'skip', plan: null }, []];
}

function told(state: Schedule, { message: m, ask, who }: Told<ScheduleHears>): ScheduleStep {
  if (!may(state, who)) {
    const text = `schedule ${state.name} belongs to somebody else`;
    return [state, [{ do: 'refuse', ask, failure: failure('forbidden', text) }]];
  }
  return m.name === 'schedule.keep'
    ? kept(state, m.body as Body<'schedule.keep'>, ask)
    : turned(state, m.body as Body<'schedule.turn'>, ask);
}

const may = ({ owner }: Schedule, { door, id }: Who): boolean =>
  door === 'operator' || (door === 'terminal' && id === owner);

/** Said once more it is kept already; another one is not put in its place unasked. */
function kept(state: Schedule, asked: Body<'schedule.keep'>, ask: number): ScheduleStep {
  const { schedule: _, ...body } = asked;
  const { name, nextAt } = body;
  if (state.phase === 'removed') {
    const reply: ScheduleEffect = { do: 'reply', ask, body: { name, nextAt } };
    return [{ ...blank(asked), phase: 'waiting', round: state.round + 1 }, [reply]];
  }
  if (isSame(state, body))
    return [state, [{ do: 'reply', ask, body: { name, nextAt: state.nextAt } }]];
  const text = `there is a schedule ${name} already; remove it first`;
  return [state, [{ do: 'refuse', ask, failure: failure('refused', text) }]];
}

const isSame = (state: Schedule, body: Omit<Body<'schedule.keep'>, 'schedule'>): boolean =>
  state.made.digest === body.made.digest &&
  (['cron', 'zone', 'missed', 'overlap'] as const).every((field) => state[field] === body[field]);

function turned(state: Schedule, asked: Body<'schedule.turn'>, ask: number): ScheduleStep {
  const { name, phase } = state;
  if (phase === 'removed') {
    const why = failure('not_found', `there is no schedule ${name}`);
    return [state, [{ do: 'refuse', ask, failure: why }]];
  }
  return [turnedTo(state, asked), [{ do: 'reply', ask, body: { name } }]];
}

/** What passes while it is paused is not missed: it goes on with its next time from now. */
function turnedTo(state: Schedule, { to, nextAt }: Body<'schedule.turn'>): Schedule {
  switch (to) {
    case 'paused':
      return state.phase === 'paused' ? state : { ...state, phase: 'paused' };
    case 'removed':
      return { ...state, phase: 'removed' };
    case 'on':
      return state.phase === 'paused' ? { ...state, phase: 'waiting', nextAt } : state;
  }
}
