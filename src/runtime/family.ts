import type { Failure } from '../protocol/errors.ts';
import type { Name } from '../protocol/messages.ts';
import type { Behaviour, Phased, TaskTypes } from './behaviour.ts';

export type TaskContext<E> = {
  /** Aborted when the phase that began the task is left: stop listening, undo nothing. */
  readonly signal: AbortSignal;
  /** Sends an event, such as progress, into the phase that began the task. */
  readonly emit: (event: E) => void;
  /** The path of the actor whose task it is. */
  readonly path: string;
};

export type Tasks<E, T extends TaskTypes> = {
  readonly [K in keyof T & string]: (input: T[K][0], context: TaskContext<E>) => Promise<T[K][1]>;
};

/** How a state is kept: in which store, as which named parts, and under which index keys. */
export interface Keeping<S> {
  /** `control` is replicated among the heads, `node` is of this node alone. */
  readonly scope: 'control' | 'node';
  /** The parts of a state; a save writes those whose identity changed. */
  split(state: S): Readonly<Record<string, unknown>>;
  join(parts: Readonly<Record<string, unknown>>): S;
  encode(part: string, value: unknown): Uint8Array;
  decode(part: string, bytes: Uint8Array): unknown;
  /** Keys under which this state is found, such as `live/jobs/ID`; they change with it. */
  index(state: S, path: string): readonly string[];
}

/** A kind of actor: what it hears and decides, how its tasks are done, how its state is kept. */
export interface Family<
  Args,
  S extends Phased,
  N extends Name,
  E,
  T extends TaskTypes = Record<never, never>,
> {
  readonly behaviour: Behaviour<Args, S, N, E, T>;
  /** The messages it hears; any other is refused at its door. */
  readonly hears: readonly N[];
  readonly tasks: Tasks<E, T>;
  readonly keeping?: Keeping<S>;
  /** True of a state that needs no live actor: it is let go when idle, and opened by name. */
  readonly rests?: (state: S) => boolean;
  /** For a pool: what its children are, and how one is opened by name. */
  readonly pool?: Pool;
}

export type Pool = {
  readonly family: string;
  /** Messages that make a child that has no record; the message's body is its `args`. */
  readonly openedBy: readonly Name[];
  /** The failure that a message for an unknown child is answered with. */
  readonly unknown: (name: string) => Failure;
};

/**
 * A family as the runtime handles it, whatever its types are. The runtime gives each family back
 * only what that family made, so the types that are forgotten here are never needed.
 */
export type AnyFamily = Family<unknown, Phased, Name, unknown, TaskTypes>;
export type Families = Readonly<Record<string, AnyFamily>>;

/** The one place where a family's types are forgotten. */
export const family = <A, S extends Phased, N extends Name, E, T extends TaskTypes>(
  typed: Family<A, S, N, E, T>,
): AnyFamily => typed as unknown as AnyFamily;
