import type { Cancel, Clock, Millis } from '../../src/runtime/ports.ts';
import { Dice } from './dice.ts';
import { Heap } from './heap.ts';

type Due = { readonly at: Millis; readonly seq: number; run: (() => void) | undefined };

/** What must never be, and was seen. */
export class Violation extends Error {
  readonly invariant: string;
  readonly at: Millis;
  constructor(invariant: string, at: Millis, text: string) {
    super(`${invariant}: ${text}`);
    this.invariant = invariant;
    this.at = at;
  }
}

const STORY_LINES = 400;
/** All days begin then; nothing reads the real clock. */
const DAWN = 1_800_000_000_000;
/** Events in a row before the real loop is handed back, where no promise asks for it earlier. */
const BATCH = 2_000;

/**
 * One clock and one queue of events for all nodes of a test. Time passes only from event to event;
 * before the next, all promises that can go on have gone on.
 */
export class World {
  readonly seed: number;
  readonly dice: Dice;
  /** The last lines of what happened. */
  readonly story: string[] = [];
  readonly #due = new Heap<Due>((a, b) => a.at - b.at || a.seq - b.seq);
  #now = DAWN;
  #seq = 0;
  #events = 0;
  #stirred = false;
  #violation: Violation | undefined;
  #hash: readonly [number, number] = [0x811c9dc5, 0x01000193];

  constructor(seed: number) {
    this.seed = seed;
    this.dice = new Dice(seed);
  }

  get now(): Millis {
    return this.#now;
  }

  /** Milliseconds since the day's beginning. */
  get time(): Millis {
    return this.#now - DAWN;
  }

  get events(): number {
    return this.#events;
  }

  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** The same for the same history, and for no other. */
  get hash(): string {
    return this.#hash.map((half) => half.toString(16).padStart(8, '0')).join('');
  }

  in(ms: Millis, run: () => void): Cancel {
    const due: Due = { at: this.#now + Math.max(0, ms), seq: this.#seq++, run };
    this.#due.push(due);
    return () => {
      due.run = undefined;
    };
  }

  /** A clock that never differs from the world's, for twins of what is outside. It wakes tasks. */
  readonly clock: Clock = {
    now: () => Math.floor(this.#now),
    timer: (ms, then) =>
      this.in(ms, () => {
        this.stir();
        then();
      }),
  };

  /** Promises may be able to go on: nothing else happens before they did. */
  stir(): void {
    this.#stirred = true;
  }

  /** Writes a line of the day's history. */
  tell(line: string): void {
    const text = `${this.time} ${line}`;
    this.#hash = mix(this.#hash, text);
    this.story.push(text);
    if (this.story.length > 2 * STORY_LINES) this.story.splice(0, STORY_LINES);
  }

  /** Something that must never be: the day ends here, wherever this was called from. */
  violate(invariant: string, text: string): void {
    this.#violation ??= new Violation(invariant, this.time, text);
  }

  check(invariant: string, holds: boolean, text: () => string): void {
    if (!holds) this.violate(invariant, text());
  }

  /** Lets the world go on until that instant, or until the first violation, which is thrown. */
  until(end: Millis): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        try {
          if (this.#batch(end)) setImmediate(go);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      go();
    });
  }

  /** Lets that much time pass. */
  pass(ms: Millis): Promise<void> {
    return this.until(this.#now + ms);
  }

  /** False when there is nothing left to do before the end. */
  #batch(end: Millis): boolean {
    this.#stirred = false;
    for (let count = 0; count < BATCH && !this.#stirred; count++) {
      if (this.#violation !== undefined) throw this.#violation;
      const next = this.#due.peek();
      if (next === undefined || next.at > end) {
        this.#now = Math.max(this.#now, end);
        return false;
      }
      this.#due.pop();
      this.#now = next.at;
      if (next.run === undefined) continue;
      this.#events++;
      next.run();
    }
    return true;
  }
}

/** FNV-1a over the text, in two lanes that differ in their primes. */
function mix([a, b]: readonly [number, number], text: string): readonly [number, number] {
  let x = a;
  let y = b;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    x = Math.imul(x ^ code, 0x01000193);
    y = Math.imul(y ^ code, 0x85ebca6b);
  }
  return [x >>> 0, (y ^ (y >>> 13)) >>> 0];
}
