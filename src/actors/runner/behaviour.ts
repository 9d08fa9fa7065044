import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Exit } from '../ports.ts';
import { clear, forget, forgotten } from './forgetting.ts';
import { askLease, isLeased, leased } from './leased.ts';
import { leadOut, ledOut } from './led-out.ts';
import { measured, UNMEASURED } from './measuring.ts';
import {
  broken,
  type Runner,
  type RunnerArgs,
  type RunnerEffect,
  type RunnerEvent,
  type RunnerHeard,
  type RunnerHears,
  type RunnerStep,
  type RunnerTasks,
  reportOf,
  type Stop,
  start,
  to,
} from './runner.ts';
import { ended, enterSaving, saves, saving, schedule } from './saving.ts';

/**
 * Runs one process of an attempt, on the worker's own records: it goes on without its head, and
 * says again what the head has not taken. An attempt that is over never starts again.
 */
export const runner: Behaviour<RunnerArgs, Runner, RunnerHears, RunnerEvent, RunnerTasks> = {
  init: begin,

  on(state, event, now) {
    const [next, effects] = on(state, event, now);
    const isTold = next.seq === state.seq || next.phase !== state.phase;
    return [next, isTold ? effects : [...effects, report(next)]];
  },

  enter: (state, now) =>
    state.phase === 'forgotten'
      ? clear(state)
      : [report(state), again(limits.reportMs, 'remind'), ...enter(state, now)],
};

const report = (state: Runner): RunnerEffect => ({
  do: 'tell',
  to: control(`/jobs/${state.key.job}`),
  message: message('job.report', reportOf(state)),
});

function begin(args: RunnerArgs): Runner {
  const { job, attempt, rank } = args;
  const isOrdered = 'spec' in args;
  return {
    phase: isOrdered ? 'staging' : 'over',
    round: 0,
    key: { job, attempt, rank },
    node: args.node,
    order: isOrdered ? args : null,
    go: isOrdered && args.go,
    seq: 1,
    taken: 0,
    place: null,
    tries: 0,
    stop: null,
    stagedAt: 0,
    startedAt: 0,
    unenforced: [],
    exit: null,
    collected: null,
    failure: null,
    detail: isOrdered ? 'Data upload has started' : 'stopped before it was ordered',
    forgottenAt: 0,
    cleared: false,
    erased: false,
    checkpoint: null,
    saveBy: 0,
    ...UNMEASURED,
  };
}

function on(state: Runner, event: RunnerHeard, now: Millis): RunnerStep {
  if (event.is === 'told') return told(state, event, now);
  if (event.is === 'remind') return [state, [...unheard(state), again(limits.reportMs, 'remind')]];
  if (event.is === 'measured') return [measured(state, event.sample, now), []];
  switch (state.phase) {
    case 'staging':
      return staging(state, event, now);
    case 'starting':
      return leased(state, event) ?? starting(state, event);
    case 'running':
      return (
        leased(state, event) ??
        ledOut(state, event) ??
        saves(state, event, now) ??
        running(state, event, now)
      );
    case 'saving':
      return leased(state, event) ?? ledOut(state, event) ?? saving(state, event);
    case 'stopping':
      return running(state, event, now);
    case 'collecting':
      return collecting(state, event);
    case 'forgotten':
      return forgotten(state, event);
    case 'staged':
    case 'over':
      return [state, []];
  }
}

const again = (ms: Millis, is: 'again' | 'remind' | 'walltime'): RunnerEffect => ({
  do: 'after',
  ms,
  event: { is },
});

function told(state: Runner, event: Told<RunnerHears>, now: Millis): RunnerStep {
  const { message: m, ask } = event;
  const reply: RunnerEffect = { do: 'reply', ask, body: {} };
  switch (m.name) {
    case 'runner.order': {
      // Who asks again for what is over has missed how it ended.
      if (state.phase === 'forgotten') return [state, [reply, report(state)]];
      if (state.order !== null) return [state, [reply, ...unheard(state)]];
      const why = failure('refused', 'this attempt was ended before it was ordered');
      return [state, [{ do: 'refuse', ask, failure: why }, ...unheard(state)]];
    }
    case 'runner.go':
      if (state.phase === 'staged') return [to({ ...state, go: true }, 'starting'), []];
      return [state.go ? state : { ...state, go: true }, []];
    case 'runner.stop': {
      if (state.phase === 'forgotten') return [state, [reply, report(state)]];
      const body = m.body as Body<'runner.stop'>;
      const stopped = stop(state, body, now);
      return [stopped, [reply, ...unheard(state)]];
    }
    case 'runner.checkpoint':
      return (state.phase === 'running' ? saves(state, event, now) : undefined) ?? [state, []];
    case 'runner.taken': {
      const { seq } = m.body as Body<'runner.taken'>;
      if (seq <= state.taken || state.phase === 'forgotten') return [state, []];
      const next = { ...state, taken: Math.min(seq, state.seq) };
      return [next.phase === 'over' && next.taken === next.seq ? forget(next, now) : next, []];
    }
    case 'runner.forget': {
      const { before } = m.body as Body<'runner.forget'>;
      const isOld = state.cleared && state.forgottenAt < before;
      return [isOld ? { ...state, erased: true } : state, []];
    }
  }
}

const unheard = (state: Runner): readonly RunnerEffect[] =>
  state.taken < state.seq ? [report(state)] : [];

/** Ends the attempt; what runs is killed, what ran is still collected. */
function stop(state: Runner, asked: Stop & { readonly saveMs?: Millis }, now: Millis): Runner {
  const { failure: why, graceMs, saveMs = 0 } = asked;
  if (state.stop !== null || state.phase === 'over' || state.phase === 'forgotten') return state;
  const stopped = { ...state, stop: { failure: why, graceMs }, failure: state.failure ?? why };
  if (state.phase === 'running' || state.phase === 'starting') return ended(stopped, saveMs, now);
  if (state.phase === 'staging' || state.phase === 'staged')
    return to(stopped, 'over', { detail: 'ended before it started' });
  return { ...stopped, stop: { failure: why, graceMs, isLate: true } };
}

function staging(state: Runner, event: RunnerHeard, now: Millis): RunnerStep {
  if (event.is === 'progress') {
    const percent = event.total === 0 ? 100 : Math.floor((100 * event.done) / event.total);
    const what = event.image === undefined ? 'Data upload' : `Pulling image ${event.image}`;
    const detail = `${what}: ${percent} %`;
    return [detail === state.detail ? state : { ...state, detail, seq: state.seq + 1 }, []];
  }
  if (event.is === 'again') return [state, stage(state)];
  if (event.is === 'failed') {
    if (!event.failure.retry || state.tries + 1 >= limits.stageTriesMax)
      return [to(state, 'over', { failure: event.failure }), []];
    return [{ ...state, tries: state.tries + 1 }, [again(pause(state.tries), 'again')]];
  }
  if (event.is !== 'done' || event.task !== 'stage') return [state, []];
  const staged = { place: event.value, stagedAt: now, detail: 'Data uploaded, starting' };
  return [to(state, state.go ? 'starting' : 'staged', staged), []];
}

const pause = (tries: number): Millis =>
  Math.min(limits.transferPauseMsMax, limits.againMs * 2 ** Math.min(tries, 10));

function starting(state: Runner, event: RunnerHeard): RunnerStep {
  if (event.is === 'failed') return [broken(state, event.failure), []];
  if (event.is !== 'done' || event.task !== 'start') return [state, []];
  const { at, unenforced } = event.value;
  return [to(state, 'running', { startedAt: at, unenforced }), []];
}

/** Running, or being killed: either way it is over once its process is. */
function running(state: Runner, event: RunnerHeard, now: Millis): RunnerStep {
  switch (event.is) {
    case 'walltime': {
      const seconds = (state.order?.spec.walltimeMs ?? 0) / 1000;
      const why = failure('over_walltime', `ran longer than its walltime of ${seconds} s`);
      return [stop(state, { failure: why, graceMs: limits.graceMs }, now), []];
    }
    case 'again':
      return [state, watch(state)];
    case 'failed':
      return unwatched(state, event.failure);
    case 'done':
      if (event.task === 'wait') return [exited(state, event.value), []];
      if (event.task === 'kill') return [killed(state, event.value), []];
      return [state, []];
    default:
      return [state, []];
  }
}

const killed = (state: Runner, exit: Exit | null): Runner =>
  exit === null ? to(state, 'over', { detail: 'ended before it started' }) : exited(state, exit);

function exited(state: Runner, exit: Exit): Runner {
  const { code, signal, at, outOfMemory, lost, logFull, leaseOut } = exit;
  const full = failure('too_large', 'a log is full; its last line tells how much it may have');
  return to(state, 'collecting', {
    exit: { code, signal, at, outOfMemory, lost },
    failure: state.failure ?? (leaseOut ? unleased(at) : logFull ? full : null),
    detail: 'Collecting',
  });
}

const unleased = (at: Millis): Failure =>
  failure('lost', `its lease ran out, so it was ended at ${new Date(at).toISOString()}`);

/** A bug may pass; else nobody will ever tell its end. */
function unwatched(state: Runner, why: Failure): RunnerStep {
  if (state.phase === 'stopping' || why.code === 'bug')
    return [state, [again(limits.againMs, 'again')]];
  const lost = failure('lost', 'nothing is known of its process any more', false);
  return [broken(state, why.code === 'not_found' ? lost : why), []];
}

function collecting(state: Runner, event: RunnerHeard): RunnerStep {
  if (event.is === 'again') return [state, collect(state)];
  if (event.is === 'failed') {
    // What somebody wants ended does not wait for its files for ever.
    const isEnough = state.stop !== null && state.tries + 1 >= limits.collectTriesMax;
    if (!event.failure.retry || isEnough)
      return [to(state, 'over', { failure: state.failure ?? event.failure }), []];
    return [{ ...state, tries: state.tries + 1 }, [again(pause(state.tries), 'again')]];
  }
  if (event.is !== 'done' || event.task !== 'collect') return [state, []];
  return [to(state, 'over', { collected: event.value }), []];
}

function enter(state: Runner, now: Millis): readonly RunnerEffect[] {
  switch (state.phase) {
    case 'staging':
      return stage(state);
    case 'starting':
      return isLeased(state) ? askLease(state) : start(state);
    case 'running':
      return [
        ...watch(state),
        ...walltime(state, now),
        ...schedule(state, now),
        ...askLease(state),
        ...leadOut(state),
      ];
    case 'saving':
      return [...enterSaving(state, now), ...askLease(state), ...leadOut(state)];
    case 'stopping':
      return watch(state);
    case 'collecting':
      return collect(state);
    case 'staged':
    case 'over':
    case 'forgotten':
      return [];
  }
}

const stage = (state: Runner): readonly RunnerEffect[] =>
  state.order ? [{ do: 'run', task: 'stage', input: state.order }] : [];

/** Waits for the end of the process, or brings it about. */
const watch = ({ phase, key, stop: ending }: Runner): readonly RunnerEffect[] =>
  phase === 'stopping' && ending
    ? [{ do: 'run', task: 'kill', input: { key, graceMs: ending.graceMs } }]
    : [{ do: 'run', task: 'wait', input: key }];

function walltime(state: Runner, now: Millis): readonly RunnerEffect[] {
  const ms = state.order?.spec.walltimeMs ?? 0;
  return ms === 0 ? [] : [again(state.startedAt + ms - now, 'walltime')];
}

const collect = (state: Runner): readonly RunnerEffect[] =>
  state.order ? [{ do: 'run', task: 'collect', input: state.order }] : [];
