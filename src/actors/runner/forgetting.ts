import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Runner, RunnerEffect, RunnerHeard, RunnerStep } from './runner.ts';

/** An attempt that is over, as its head knows: its place and records go, and then its record. */

export const forget = (state: Runner, now: Millis): Runner => ({
  ...state,
  phase: 'forgotten',
  forgottenAt: now,
  order: null,
  place: null,
});

export const clear = ({ cleared, key }: Runner): readonly RunnerEffect[] =>
  cleared ? [] : [{ do: 'run', task: 'clear', input: key }];

export function forgotten(state: Runner, event: RunnerHeard): RunnerStep {
  if (event.is === 'failed')
    return [state, [{ do: 'after', ms: limits.transferPauseMsMax, event: { is: 'again' } }]];
  if (event.is === 'again') return [state, clear(state)];
  return [event.is === 'done' ? { ...state, cleared: true } : state, []];
}
