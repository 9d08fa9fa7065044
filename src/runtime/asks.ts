import { type Failure, failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Cancel, Clock, Millis } from './ports.ts';

/** How a question ended. */
export type Answer =
  | { readonly ok: true; readonly body: object }
  | { readonly ok: false; readonly failure: Failure };

type Open = {
  readonly then: (answer: Answer) => void;
  readonly node: string;
  readonly name: string;
  /** The others that are due in the same tick, and itself; undefined: it has no deadline. */
  readonly due: Set<number> | undefined;
};

const TICK_MS = 50;

/**
 * The questions in flight on one node. Ids are integers that are never used twice; one timer
 * serves all deadlines, whose grain is a tick. A question ends once: by answer, deadline or loss.
 */
export class Asks {
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  readonly #due = new Map<number, Set<number>>();
  #next = 1;
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a question to `node` by the message `name`; 0 and an answer at once when too many are
   * open.
   */
  open(node: string, name: string, ms: Millis, then: (answer: Answer) => void): number {
    if (this.#open.size >= limits.asksMax) {
      then({ ok: false, failure: failure('busy', 'too many questions are open on this node') });
      return 0;
    }
    const id = this.#next++;
    const due = Number.isFinite(ms) ? this.#dueIn(ms) : undefined;
    due?.add(id);
    this.#open.set(id, { then, node, name, due });
    return id;
  }

  /** Ends a question. Late and second answers are dropped. */
  answer(id: number, answer: Answer): boolean {
    const open = this.#open.get(id);
    if (open === undefined) return false;
    this.#open.delete(id);
    open.due?.delete(id);
    open.then(answer);
    return true;
  }

  isOpen(id: number): boolean {
    return this.#open.has(id);
  }

  /** Whether `node` was asked this by the message `name`: nobody else may answer, nor otherwise. */
  wasAsked(id: number, node: string, name?: string): boolean {
    const open = this.#open.get(id);
    return open !== undefined && open.node === node && (name ?? open.name) === open.name;
  }

  /** Stops listening; the answer, if one comes, is dropped. */
  drop(id: number): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.due?.delete(id);
  }

  /** Ends every question to a node that cannot answer any more. */
  fail(node: string, why: Failure): void {
    for (const [id, open] of [...this.#open])
      if (open.node === node) this.answer(id, { ok: false, failure: why });
  }

  /** Stops listening for whatever was asked of `node`. */
  dropAll(node: string): void {
    for (const [id, open] of this.#open) if (open.node === node) this.drop(id);
  }

  #dueIn(ms: Millis): Set<number> {
    const tick = Math.ceil((this.#clock.now() + ms) / TICK_MS);
    const known = this.#due.get(tick);
    if (known !== undefined) return known;
    const due = new Set<number>();
    this.#due.set(tick, due);
    this.#cancel ??= this.#clock.timer(TICK_MS, () => this.#sweep());
    return due;
  }

  #sweep(): void {
    this.#cancel = undefined;
    const now = this.#clock.now() / TICK_MS;
    const late = failure('timeout', 'no answer in time');
    for (const [tick, ids] of [...this.#due]) {
      if (tick > now && ids.size > 0) continue;
      this.#due.delete(tick);
      for (const id of [...ids]) this.answer(id, { ok: false, failure: late });
    }
    if (this.#due.size > 0) this.#cancel ??= this.#clock.timer(TICK_MS, () => this.#sweep());
  }
}
