import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Report } from '../../protocol/model.ts';
import { ref } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  askCluster,
  endsWith,
  forbidden,
  isLive,
  type Job,
  type JobEffect,
  type JobEvent,
  type JobHeard,
  type JobHears,
  type JobStep,
  type JobTasks,
  may,
  release,
  speaksFor,
  stay,
  type ToldJob,
  to,
  toScheduler,
} from './job.ts';
import { end, enterLive, live } from './live.ts';
import {
  enterPlacing,
  enterProvisioning,
  enterQueued,
  placing,
  provisioning,
  queued,
} from './waiting.ts';

/** A job's life: it owns its record, and whatever phase it is in, cancel leads to its end. */
export const job: Behaviour<Body<'job.create'>, Job, JobHears, JobEvent, JobTasks> = {
  init: ({ id, owner, spec, script, scriptBlob, inputs, digest, from }, now) => ({
    phase: 'queued',
    round: 0,
    id,
    owner,
    spec,
    script,
    scriptBlob,
    inputs,
    digest,
    from,
    submittedAt: now,
    run: 1,
    attempt: 1,
    firstAttempt: 1,
    notBefore: 0,
    placement: null,
    ordered: false,
    cluster: null,
    reports: [],
    stop: null,
    cancelled: false,
    again: 'no',
    alias: '',
    details: '',
    outcome: null,
    since: now,
    startedAt: 0,
    endedAt: 0,
    timeline: [{ at: now, what: 'queued' }],
    runs: [],
  }),

  on(state, event, now) {
    if (event.is === 'told') {
      const common = anyPhase(state, event, now);
      if (common !== undefined) return common;
    }
    switch (state.phase) {
      case 'queued':
        return queued(state, event, now);
      case 'placing':
        return placing(state, event, now);
      case 'provisioning':
        return provisioning(state, event, now);
      case 'staging':
      case 'starting':
      case 'running':
      case 'collecting':
        return live(state, event, now);
      case 'releasing':
        return releasing(state, event, now);
      case 'ended':
        return stay(state);
    }
  },

  enter(state, now): readonly JobEffect[] {
    switch (state.phase) {
      case 'queued':
        return enterQueued(state);
      case 'placing':
        return enterPlacing(state);
      case 'provisioning':
        return enterProvisioning(state, now);
      case 'staging':
      case 'starting':
      case 'running':
      case 'collecting':
        return enterLive(state, now);
      case 'releasing':
        return enterReleasing(state);
      case 'ended':
        return [];
    }
  },
};

/** What may be said to a job in every phase. */
function anyPhase(state: Job, event: ToldJob, now: Millis): JobStep | undefined {
  const { ask, who } = event;
  switch (event.message.name) {
    case 'job.create': {
      const same = (event.message.body as Body<'job.create'>).digest === state.digest;
      const why = failure('key_reused', `this key has made job ${state.id} of another request`);
      return [
        state,
        [same ? { do: 'reply', ask, body: { id: state.id } } : { do: 'refuse', ask, failure: why }],
      ];
    }
    case 'job.cancel': {
      if (!may(state, who)) return [state, [{ do: 'refuse', ask, failure: forbidden(state) }]];
      if (state.phase === 'ended') return refuse(state, ask, 'it has ended already');
      const next = cancel(state, now);
      return [next, [{ do: 'reply', ask, body: { id: state.id, phase: next.phase } }, gone(state)]];
    }
    case 'job.requeue': {
      if (!may(state, who)) return [state, [{ do: 'refuse', ask, failure: forbidden(state) }]];
      if (state.cancelled && state.phase !== 'ended')
        return refuse(state, ask, 'it is being cancelled; requeue it once it has ended');
      const next = requeue(state, now);
      const run = next.run + (next.again === 'run' ? 1 : 0);
      return [next, [{ do: 'reply', ask, body: { id: state.id, run } }]];
    }
    case 'job.report':
      return isOld(state, event.message.body as Report)
        ? [state, endOld(event.message.body as Report, who)]
        : undefined;
    default:
      return undefined;
  }
}

/** A job that leaves the queue by cancel must be forgotten by the scheduler. */
const gone = (state: Job): JobEffect => toScheduler(state, null);

const refuse = (state: Job, ask: number, why: string): JobStep => [
  state,
  [{ do: 'refuse', ask, failure: failure('wrong_phase', `job ${state.id}: ${why}`) }],
];

function cancel(state: Job, now: Millis): Job {
  if (state.cancelled) return state;
  const cancelled = { ...state, cancelled: true };
  if (isLive(state)) return end({ ...cancelled, again: 'no' }, null, now);
  if (state.phase !== 'releasing') return release(cancelled, now, endsWith(state, 'C', null));
  // What has ended has ended; but a job on its way to another attempt is not.
  return state.outcome === null ? { ...cancelled, ...endsWith(state, 'C', null) } : state;
}

function requeue(state: Job, now: Millis): Job {
  if (state.phase === 'ended') return queueAgain({ ...state, again: 'run' }, now);
  if (state.phase === 'queued') return state;
  if (state.phase === 'releasing')
    return state.outcome === null ? state : { ...state, again: 'run' };
  const again = { ...state, again: 'attempt' as const };
  if (isLive(state)) return end(again, null, now);
  return release(again, now, { outcome: null });
}

/** A report of an attempt that is past, or one that comes when no attempt is live. */
const isOld = (state: Job, { attempt }: Report): boolean =>
  attempt < state.attempt || !isLive(state);

/** Its runner is told that the report is taken, and that it is not wanted any more. */
function endOld({ job: id, node, attempt, rank, seq, phase }: Report, who: Who): JobEffect[] {
  if (!speaksFor(who, node)) return [];
  const runner = `${id}.${attempt}.${rank}`;
  const to = ref(node, `/runners/${runner}`);
  const body = { runner, node, job: id, attempt, rank, failure: null, graceMs: limits.graceMs };
  return phase === 'over'
    ? [{ do: 'tell', to, message: message('runner.taken', { runner, seq }) }]
    : [{ do: 'tell', to, message: message('runner.stop', body) }];
}

function enterReleasing(state: Job): readonly JobEffect[] {
  const ports: readonly JobEffect[] =
    state.alias === '' ? [] : [{ do: 'run', task: 'unforward', input: { job: state.id } }];
  if (state.placement === null) return [...ports, { do: 'after', ms: 0, event: { is: 'late' } }];
  return [...ports, unclaim(state)];
}

const unclaim = (state: Job): JobEffect =>
  askCluster(
    state,
    message('cluster.unclaim', {
      cluster: state.placement?.cluster ?? '',
      job: state.id,
      attempt: state.attempt,
    }),
    'unclaim',
  );

/** Whatever happened, what the job held goes first: nothing gets to the end, or the queue, around it. */
function releasing(state: Job, event: JobHeard, now: Millis): JobStep {
  const later: JobEffect = { do: 'after', ms: limits.nudgeMs, event: { is: 'again' } };
  switch (event.is) {
    case 'late':
      return [released(state, now), []];
    case 'again':
      return [state, [unclaim(state)]];
    case 'answered':
      return (event.body as { gone: boolean }).gone ? [released(state, now), []] : [state, [later]];
    case 'unanswered':
      return event.failure.code === 'not_found' ? [released(state, now), []] : [state, [later]];
    case 'told': {
      if (event.message.name !== 'job.cluster') return stay(state);
      const news = event.message.body as Body<'job.cluster'>;
      if (news.cluster !== state.placement?.cluster) return stay(state);
      if (news.phase === 'gone') return [released(state, now), []];
      return [{ ...state, details: news.detail }, []];
    }
    default:
      return stay(state);
  }
}

const released = (state: Job, now: Millis): Job =>
  state.again === 'no'
    ? to(state, 'ended', now, {
        endedAt: state.endedAt || now,
        details: state.outcome?.failure?.text ?? '',
      })
    : queueAgain(state, now);

/** Back to the queue: for another attempt of this run, or for the first of the next. */
function queueAgain(state: Job, now: Millis): Job {
  const main = state.reports[0];
  const { run, attempt, outcome, startedAt, endedAt } = state;
  const next = {
    attempt: attempt + 1,
    again: 'no' as const,
    notBefore: state.again === 'run' ? 0 : now + limits.againMs,
    placement: null,
    ordered: false,
    cluster: null,
    reports: [],
    stop: null,
    cancelled: false,
    alias: '',
    outcome: null,
    startedAt: 0,
    endedAt: 0,
    details: state.details,
  };
  if (state.again !== 'run' || outcome === null) return to(state, 'queued', now, next);
  const stdout = main?.collected?.stdout ?? null;
  const stderr = main?.collected?.stderr ?? null;
  const past = { run, attempt, outcome, startedAt, endedAt, stdout, stderr };
  return to(state, 'queued', now, {
    ...next,
    details: '',
    run: run + 1,
    firstAttempt: attempt + 1,
    runs: [...state.runs, past].slice(-limits.runsMax),
  });
}
