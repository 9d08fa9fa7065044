import type { Failure } from '../protocol/errors.ts';
import type { Body, Message, Name } from '../protocol/messages.ts';
import type { Ref } from '../protocol/ref.ts';
import type { Who } from '../protocol/who.ts';
import type { Level, Millis } from './ports.ts';

export type { Millis } from './ports.ts';

/** The tasks of a family: for each name what it is given and what it answers. */
export type TaskTypes = { readonly [task: string]: readonly [input: unknown, output: unknown] };

/** A message that this actor may hear. `ask` is 0 when nobody waits for an answer. */
export type Told<N extends Name> = N extends Name
  ? {
      readonly is: 'told';
      readonly message: { readonly name: N; readonly body: Body<N> };
      readonly ask: number;
      readonly who: Who;
    }
  : never;

type Done<T extends TaskTypes> = {
  [K in keyof T & string]: {
    readonly is: 'done';
    readonly task: K;
    readonly key: string;
    readonly value: T[K][1];
  };
}[keyof T & string];

/** What any actor may hear, besides the messages and the events of its own family. */
export type Signal<T extends TaskTypes> =
  | Done<T>
  | {
      readonly is: 'failed';
      readonly task: keyof T & string;
      readonly key: string;
      readonly failure: Failure;
    }
  | Answered
  | { readonly is: 'unanswered'; readonly key: string; readonly failure: Failure }
  | { readonly is: 'down'; readonly who: Ref; readonly why: string };

/** The answer to the ask of that key, by the name of the message that was asked. */
export type Answered = {
  readonly is: 'answered';
  readonly key: string;
  readonly name: Name;
  readonly body: object;
};

type Run<T extends TaskTypes> = {
  [K in keyof T & string]: {
    readonly do: 'run';
    readonly task: K;
    readonly input: T[K][0];
    /** Told back with the answer; tasks of one name that run together differ in it. */
    readonly key?: string;
  };
}[keyof T & string];

/** All an actor can ask for. What `ask`, `after`, `run` and `watch` begin ends with the phase. */
export type Effect<E, T extends TaskTypes> =
  | Run<T>
  | { readonly do: 'tell'; readonly to: Ref; readonly message: Message; readonly as?: Who }
  | { readonly do: 'reply'; readonly ask: number; readonly body: object }
  | { readonly do: 'refuse'; readonly ask: number; readonly failure: Failure }
  | {
      readonly do: 'ask';
      readonly to: Ref;
      readonly message: Message;
      readonly ms: Millis;
      readonly key?: string;
      /** On whose behalf; only doors may speak for others. */
      readonly as?: Who;
    }
  | { readonly do: 'after'; readonly ms: Millis; readonly event: E }
  | { readonly do: 'watch'; readonly who: Ref }
  | {
      readonly do: 'spawn';
      readonly family: string;
      readonly name: string;
      readonly args: unknown;
    }
  | { readonly do: 'respawn'; readonly name: string }
  /** `keep`: the letters of the child wait for its next life. */
  | { readonly do: 'halt'; readonly name: string; readonly keep?: boolean }
  | {
      readonly do: 'note';
      readonly level?: Level;
      readonly text: string;
      readonly fields?: object;
    }
  | { readonly do: 'stop'; readonly why: string };

/** A phase is a scope; `round` tells one stay in a phase from the next. */
export type Phased = { readonly phase: string; readonly round?: number };
export type Step<S, E, T extends TaskTypes> = readonly [state: S, effects: readonly Effect<E, T>[]];

/** What a behaviour hears: messages of `N`, its own events `E`, and signals of its tasks `T`. */
export type Heard<N extends Name, E, T extends TaskTypes> = Told<N> | E | Signal<T>;

/** An actor as a value: all it knows and decides, and nothing it does. */
export interface Behaviour<Args, S extends Phased, N extends Name, E, T extends TaskTypes> {
  init: (args: Args, now: Millis) => S;
  /** What an event changes. The same state, event and time always give the same step. */
  on: (state: S, event: Heard<N, E, T>, now: Millis) => Step<S, E, T>;
  /** What a phase asks for: performed on entering it, and again after a restart in it. */
  enter: (state: S, now: Millis) => readonly Effect<E, T>[];
}

export type Turn<S, E, T extends TaskTypes> = {
  readonly state: S;
  readonly effects: readonly Effect<E, T>[];
  /** Whether a scope ended: the phase, or the round within it, is another one. */
  readonly moved: boolean;
};

/** One turn of any actor: decide, then enter the phase decided on, if it is another one. */
export function turn<A, S extends Phased, N extends Name, E, T extends TaskTypes>(
  behaviour: Behaviour<A, S, N, E, T>,
  state: S,
  event: Heard<N, E, T>,
  now: Millis,
): Turn<S, E, T> {
  const [next, effects] = behaviour.on(state, event, now);
  const moved = next.phase !== state.phase || next.round !== state.round;
  if (!moved) return { state: next, effects, moved };
  const entered = behaviour.enter(next, now);
  return { state: next, effects: effects.length ? [...effects, ...entered] : entered, moved };
}
