import type { AnyEffect } from './actor.ts';
import type { Phased } from './behaviour.ts';
import type { Cancel, Millis } from './ports.ts';

/** A turn that an actor has played, as it decided and before it was saved. */
export type PlayedTurn = {
  readonly at: Millis;
  readonly event: object;
  /** Undefined for the first of a life. */
  readonly before: Phased | undefined;
  readonly state: Phased;
  readonly effects: readonly AnyEffect[];
};

/** Tells whoever looks inside a node of the turns of single actors. */
export class Traces {
  readonly #watching = new Map<string, Set<(turn: PlayedTurn) => void>>();

  /** Almost always there is nobody, and nothing is made for them. */
  get isIdle(): boolean {
    return this.#watching.size === 0;
  }

  on(path: string, then: (turn: PlayedTurn) => void): Cancel {
    const all = this.#watching.get(path) ?? new Set();
    this.#watching.set(path, all.add(then));
    return () => {
      all.delete(then);
      if (all.size === 0 && this.#watching.get(path) === all) this.#watching.delete(path);
    };
  }

  played(path: string, turn: PlayedTurn): void {
    for (const then of this.#watching.get(path) ?? []) then(turn);
  }
}
