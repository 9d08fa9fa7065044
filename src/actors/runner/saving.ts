import type { Checkpoint } from '../../protocol/attempt.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Runner, type RunnerEffect, type RunnerHeard, type RunnerStep, to } from './runner.ts';

/**
 * Checkpoints: the main process is told to save itself now and then, and before it is ended. What
 * it has saved is with the heads before it is reported; a later attempt goes on from it.
 */

/** Only the main rank's files are the job's. */
const isSaved = ({ order }: Runner): boolean =>
  order !== null && order.rank === 0 && order.spec.checkpoint;

const due = (at: Millis, now: Millis, isByInterval = true): RunnerEffect => ({
  do: 'after',
  ms: at - now,
  event: { is: 'checkpoint', at: isByInterval ? at : 0 },
});

const save = ({ order }: Runner, ms: Millis): readonly RunnerEffect[] =>
  order === null ? [] : [{ do: 'run', task: 'checkpoint', input: { order, ms } }];

/** While it runs: the next one by its interval, and the last before its walltime. */
export function schedule(state: Runner, now: Millis): readonly RunnerEffect[] {
  if (!isSaved(state)) return [];
  const { checkpointIntervalMs: interval, walltimeMs } = state.order?.spec ?? NEVER;
  const { startedAt } = state;
  const at = Math.max(startedAt, state.checkpoint?.at ?? 0);
  const lead = startedAt + walltimeMs - Math.min(limits.checkpointLeadMs, walltimeMs / 2);
  return [
    ...(interval === 0 ? [] : [due(at + interval, now)]),
    ...(walltimeMs === 0 || lead <= now ? [] : [due(lead, now, false)]),
  ];
}

const NEVER = { checkpointIntervalMs: 0, walltimeMs: 0 };

/** What a running attempt does besides; undefined: it is no such event. */
export function saves(state: Runner, event: RunnerHeard, now: Millis): RunnerStep | undefined {
  switch (event.is) {
    case 'told':
      return event.message.name === 'runner.checkpoint' ? begin(state) : undefined;
    case 'checkpoint':
      // One that was overtaken by another comes after that.
      return event.at !== 0 && state.saveAt !== undefined && event.at !== state.saveAt
        ? [state, []]
        : begin(state);
    case 'done':
      return event.task === 'checkpoint' ? next(saved(state, event.value), now) : undefined;
    case 'failed': {
      if (event.task !== 'checkpoint') return undefined;
      return next(news(state, `its checkpoint could not be kept: ${event.failure.text}`), now);
    }
    default:
      return undefined;
  }
}

/** One at a time: who asks meanwhile has what is under way. */
function begin(state: Runner): RunnerStep {
  if (!isSaved(state) || state.isSaving) return [state, []];
  const interval = state.order?.spec.checkpointIntervalMs ?? 0;
  return [{ ...state, isSaving: true }, save(state, Math.max(interval, limits.checkpointMsMax))];
}

const saved = (state: Runner, checkpoint: Checkpoint | null): Runner =>
  checkpoint === null
    ? news(state, 'its last checkpoint was never whole')
    : { ...news(state, ''), checkpoint, seq: state.seq + 1 };

const news = (state: Runner, detail: string): Runner =>
  detail === state.detail ? state : { ...state, detail, seq: state.seq + 1 };

/** The interval counts from the last one's end, also of one that was asked for out of turn. */
function next(state: Runner, now: Millis): RunnerStep {
  const interval = state.order?.spec.checkpointIntervalMs ?? 0;
  if (interval === 0) return [{ ...state, isSaving: false }, []];
  const saveAt = now + interval;
  return [{ ...state, isSaving: false, saveAt }, [due(saveAt, now)]];
}

/** Ends what runs; one that is to save itself before has until then. */
export const ended = (state: Runner, saveMs: Millis, now: Millis): Runner =>
  state.phase === 'running' && saveMs > 0 && isSaved(state)
    ? to(state, 'saving', { detail: 'Saving itself', saveBy: now + saveMs })
    : to(state, 'stopping', { detail: 'Ending' });

export const enterSaving = (state: Runner, now: Millis): readonly RunnerEffect[] => {
  const ms = Math.max(0, (state.saveBy ?? 0) - now);
  return [...save(state, ms), { do: 'after', ms, event: { is: 'late' } }];
};

/** Saving itself before it is ended: whatever comes of it, it is ended then. */
export function saving(state: Runner, event: RunnerHeard): RunnerStep {
  const end = { detail: 'Ending' };
  switch (event.is) {
    case 'late':
      return [to(state, 'stopping', end), []];
    case 'failed':
      return event.task === 'checkpoint' ? [to(state, 'stopping', end), []] : [state, []];
    case 'done': {
      if (event.task !== 'checkpoint') return [state, []];
      const checkpoint = event.value ?? state.checkpoint ?? null;
      return [to(state, 'stopping', { ...end, checkpoint }), []];
    }
    default:
      return [state, []];
  }
}
