/** A ring that grows: constant time at both ends, and no holes left behind. */
export class Ring<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(8);
  #head = 0;
  size = 0;

  push(item: T): void {
    if (this.size === this.#items.length) this.#grow();
    this.#items[(this.#head + this.size++) & (this.#items.length - 1)] = item;
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    if (--this.size === 0 && this.#items.length > 1024) this.#shrink();
    return item;
  }

  #shrink(): void {
    this.#items = new Array<T | undefined>(8);
    this.#head = 0;
  }

  #grow(): void {
    const old = this.#items;
    const items = new Array<T | undefined>(old.length * 2);
    for (let i = 0; i < this.size; i++) items[i] = old[(this.#head + i) & (old.length - 1)];
    this.#items = items;
    this.#head = 0;
  }
}

/** What an actor asked for itself; its scope is the stay in a phase that wants to hear it. */
export type Letter = { readonly event: object; readonly scope: number };

/** No scope is of this number: the letter is for any phase of this life. */
export const ANY_SCOPE = -1;

/**
 * Two lanes in order: the system lane is played first, never full, and of one life only. The normal
 * lane is bounded, holds what the actor is told, and outlives a crash.
 */
export class Mailbox {
  readonly #system = new Ring<Letter>();
  readonly #normal = new Ring<object>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#system.size + this.#normal.size;
  }

  /** False: the lane is full and the event was not taken. */
  push(event: object): boolean {
    if (this.#normal.size >= this.#capacity) return false;
    this.#normal.push(event);
    return true;
  }

  pushSystem(letter: Letter): void {
    this.#system.push(letter);
  }

  shift(): object | undefined {
    return this.#normal.shift();
  }

  shiftSystem(): Letter | undefined {
    return this.#system.shift();
  }

  /** Takes over the normal lane of another, behind its own. */
  takeNormal(other: Mailbox): void {
    for (let event = other.shift(); event !== undefined; event = other.shift())
      this.#normal.push(event);
  }
}
