import { type Behaviour, type Phased, turn } from '../../src/runtime/behaviour.ts';
import { freeze } from '../sim/watching.ts';
import type { Any } from './brief.ts';
import { NOW } from './stage.ts';

// biome-ignore lint/suspicious/noExplicitAny: for machines of any type.
type Machine = Behaviour<any, any, any, any, any>;

/** What is around a machine: what comes of each effect, and what happens by itself in a phase. */
export type Around<S> = {
  readonly answer: (effect: Any, state: S) => readonly object[];
  readonly byItself: (state: S) => readonly object[];
};

export type Course<S> = { readonly state: S; readonly phases: readonly string[]; lives: number };

/**
 * Plays a machine that forgets: nothing that an `on` asks for is ever done, as if it crashed after
 * each save. Where nothing is on its way any more it begins its next life, with `enter` alone.
 */
export function playForgetful<S extends Phased>(
  machine: Machine,
  start: S,
  around: Around<S>,
  isDone: (state: S) => boolean,
): Course<S> {
  let state = freeze(start);
  let now = NOW;
  let lives = 0;
  const phases = [start.phase];
  let coming: object[] = [];
  let timers: { at: number; event: object }[] = [];
  const enter = (): void => {
    coming = [];
    timers = [];
    for (const effect of machine.enter(state, now) as readonly Any[]) {
      if (effect.do === 'after')
        timers.push({ at: now + effect.ms, event: effect.event as object });
      else coming.push(...around.answer(effect, state));
    }
    coming.push(...around.byItself(state));
  };
  const next = (): object | undefined => {
    const event = coming.shift();
    if (event !== undefined) return event;
    const [timer, ...rest] = timers.toSorted((a, b) => a.at - b.at);
    timers = rest;
    if (timer !== undefined) now = Math.max(now, timer.at);
    return timer?.event;
  };
  enter();
  for (let turns = 0; turns < 500 && !isDone(state); turns++) {
    const event = next();
    if (event === undefined) {
      lives++;
      enter();
      continue;
    }
    const before = state;
    state = freeze(turn(machine, before, freeze(event), now)).state as S;
    if (state.phase !== before.phase) phases.push(state.phase);
    if (state.phase !== before.phase || state.round !== before.round) enter();
  }
  return { state, phases, lives };
}

/** Gives each of these in turn, and the last one for ever. */
export function inTurn<T>(...values: T[]): () => T {
  let at = 0;
  return () => values[Math.min(at++, values.length - 1)] as T;
}
