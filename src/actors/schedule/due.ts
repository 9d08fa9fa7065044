import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Reply } from '../../protocol/messages.ts';
import type { Spec } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import type {
  Plan,
  Schedule,
  ScheduleEffect,
  ScheduleHeard,
  ScheduleStep,
  ScheduleTasks,
} from './schedule.ts';

/** A schedule whose time has come: its job is made, unless there is a reason not to. */
export function enterDue(state: Schedule, now: Millis): ScheduleEffect {
  const { plan, id, owner, nextAt: at, cron, zone } = state;
  if (plan !== null) return plan.isFree ? create(state, plan.job) : askLast(state);
  const after = Math.max(at, now);
  return { do: 'run', task: 'plan', input: { id, owner, at, cron, zone, after } };
}

export function due(state: Schedule, event: ScheduleHeard): ScheduleStep {
  switch (event.is) {
    case 'done':
      return [planned(state, event.value), []];
    case 'again':
      return [again(state, {}), []];
    case 'answered':
      return [state.plan === null ? state : answered(state, state.plan, event), []];
    case 'unanswered':
      return state.plan === null ? [state, []] : unanswered(state, state.plan, event);
    case 'failed':
      return [state, [later]];
    default:
      return [state, []];
  }
}

function planned(state: Schedule, { refused, ...found }: ScheduleTasks['plan'][1]): Schedule {
  const plan = { ...found, isFree: state.overlap === 'allow' || state.lastJob === '' };
  const trouble = refused || (state.skips ? missed(state) : '');
  return trouble === '' ? again(state, { plan }) : settled(state, plan, { trouble });
}

/** It goes on with what comes next, or with the same once more. */
const again = (state: Schedule, change: Partial<Schedule>): Schedule => ({
  ...state,
  ...change,
  round: state.round + 1,
});

const later: ScheduleEffect = { do: 'after', ms: limits.againMs, event: { is: 'again' } };

/** What is asked: to make the job, or how the one before is. */
const CREATE = 'create';
const LAST = 'last';

function answered(
  state: Schedule,
  plan: Plan,
  { key, body }: ScheduleHeard & { readonly is: 'answered' },
): Schedule {
  if (key === CREATE) return settled(state, plan, { lastJob: plan.job });
  const { started, state: end } = body as Reply<'job.await'>;
  // A schedule that is faster than its jobs has one of them wait, not more and more.
  const mayWait = state.overlap === 'queue' && started;
  if (end !== '' || mayWait) return free(state, plan);
  const how = started ? 'has not ended' : 'has not started';
  const trouble = `the job before, ${state.lastJob.slice(0, 8)}, ${how}`;
  return settled(state, plan, { trouble });
}

const free = (state: Schedule, plan: Plan): Schedule =>
  again(state, { plan: { ...plan, isFree: true } });

function unanswered(
  state: Schedule,
  plan: Plan,
  { key, failure }: ScheduleHeard & { readonly is: 'unanswered' },
): ScheduleStep {
  // Of the one before nothing is left to wait for.
  if (key === LAST && failure.code === 'not_found') return [free(state, plan), []];
  if (failure.retry || key === LAST) return [state, [later]];
  return [settled(state, plan, { trouble: failure.text }), []];
}

const askLast = ({ lastJob }: Schedule): ScheduleEffect => ({
  do: 'ask',
  to: control(`/jobs/${lastJob}`),
  message: message('job.await', { id: lastJob }),
  ms: limits.callMs,
  key: LAST,
});

const create = (state: Schedule, id: string): ScheduleEffect => ({
  do: 'ask',
  to: control(`/jobs/${id}`),
  message: message('job.create', jobOf(state, id)),
  ms: limits.callMs,
  key: CREATE,
});

function jobOf({ owner, name, made, overlap, lastJob }: Schedule, id: string): Body<'job.create'> {
  const behind: Spec['after'] =
    overlap === 'queue' && lastJob !== '' ? [{ when: 'after-any', jobs: [lastJob] }] : [];
  const spec = {
    ...made.spec,
    name: made.spec.name || name.slice(0, limits.nameCharsMax),
    after: [...made.spec.after, ...behind],
  };
  return { ...made, id, owner, spec };
}

/** Waits for its next time, whatever has become of this one. */
const settled = (state: Schedule, { nextAt }: Plan, change: Partial<Schedule>): Schedule => ({
  ...state,
  phase: 'waiting',
  plan: null,
  skips: false,
  lastAt: state.nextAt,
  trouble: '',
  ...change,
  nextAt,
});

const missed = ({ nextAt }: Schedule): string =>
  `nothing could run at ${new Date(nextAt).toISOString()}`;
