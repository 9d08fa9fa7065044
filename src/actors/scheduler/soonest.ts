import type { Millis } from '../../runtime/ports.ts';
import type { Spot } from './spot.ts';

/** A node, and from when on it has room. */
export type Turn = { readonly spot: Spot; readonly at: Millis };

type Found = Turn & { readonly number: number };

const isBehind = (a: Found, b: Found): boolean =>
  a.at === b.at ? a.number > b.number : a.at > b.at;

/** So many nodes of those that were found, the first to have room: a heap, the last on top. */
export class Soonest {
  readonly #heap: Found[] = [];
  readonly #most: number;
  #number = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Who has no room before that is not among them. */
  get worst(): Millis {
    return this.#heap.length < this.#most ? Number.POSITIVE_INFINITY : (this.#heap[0]?.at ?? 0);
  }

  /** Of one that has room before the worst of them. */
  add(spot: Spot, at: Millis): void {
    const turn = { spot, at, number: this.#number++ };
    if (this.#heap.length === this.#most) this.#sink(turn);
    else this.#rise(turn);
  }

  inOrder(): readonly Turn[] {
    return this.#heap.toSorted((a, b) => (isBehind(a, b) ? 1 : -1));
  }

  #rise(turn: Found): void {
    const heap = this.#heap;
    let at = heap.length;
    for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
      const other = heap[above] as Found;
      if (!isBehind(turn, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = turn;
  }

  /** In the place of the top, which is among them no more. */
  #sink(turn: Found): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBehind(right, left);
      const below = isRight ? right : left;
      if (!isBehind(below, turn)) break;
      heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = turn;
  }
}
