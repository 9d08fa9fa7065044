import { expect } from 'vitest';
import type { Failure } from '../../src/protocol/errors.ts';
import { type Body, type Message, message, type Name } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import { type Behaviour, type Phased, turn } from '../../src/runtime/behaviour.ts';
import { freeze } from '../sim/watching.ts';
import { type Any, brief } from './brief.ts';

export const NOW = 1_800_000_000_000;
export const ours: Who = { door: 'local', id: 'test' };

// biome-ignore lint/suspicious/noExplicitAny: a stage for machines of any type.
type Machine = Behaviour<any, any, any, any, any>;

/** What a machine hears. */
export const told = <N extends Name>(name: N, body: Body<N>, ask = 0, who: Who = ours) => ({
  is: 'told' as const,
  message: message(name, body),
  ask,
  who,
});
export const done = (task: string, value: unknown = null, key = '') =>
  ({ is: 'done', task, key, value }) as const;
export const failed = (task: string, failure: Failure, key = '') =>
  ({ is: 'failed', task, key, failure }) as const;
export const answered = (name: Name, body: object = {}, key = '') =>
  ({ is: 'answered', key, name, body }) as const;
export const unanswered = (failure: Failure, key = '') =>
  ({ is: 'unanswered', key, failure }) as const;

export type Shown = {
  readonly phase: string;
  /** Whether a phase was entered, another one or the same once more. */
  readonly moved: boolean;
  /** All that the turn asked for, in order. */
  readonly effects: readonly string[];
};

/** A machine on a stage: it hears events one by one, and never the same state is changed. */
export class Stage<S extends Phased> {
  readonly machine: Machine;
  state: S;
  now: number;
  raw: readonly Any[] = [];

  constructor(machine: Machine, state: S, now = NOW) {
    this.machine = machine;
    this.state = freeze(state);
    this.now = now;
  }

  /** Plays an event. */
  hear(event: object, atMs = 0): Shown {
    this.now = NOW + atMs;
    const { state, effects, moved } = turn(this.machine, this.state, freeze(event), this.now);
    this.state = freeze(state);
    this.raw = freeze(effects) as readonly Any[];
    return { phase: this.state.phase, moved, effects: this.raw.map(brief) };
  }

  /** Plays several; what the last one asked for. */
  hears(...events: readonly object[]): Shown {
    let shown: Shown = { phase: this.state.phase, moved: false, effects: [] };
    for (const event of events) shown = this.hear(event, this.now - NOW);
    return shown;
  }

  /** What a restart in this phase asks for. */
  entered(atMs = 0): readonly string[] {
    return (this.machine.enter(this.state, NOW + atMs) as readonly Any[]).map(brief);
  }

  /** The message of the only effect that sends one of that name. */
  sent<N extends Name>(name: N): Body<N> {
    const found = this.raw.flatMap((e) =>
      (e.do === 'tell' || e.do === 'ask') && (e.message as Message).name === name
        ? [e.message.body as Body<N>]
        : [],
    );
    expect(found).toHaveLength(1);
    return found[0] as Body<N>;
  }
}
