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

/** An event on its way to an actor; of a scope if it answers what that stay in a phase began. */
export type Letter = { readonly event: unknown; readonly scope: number };

/** No scope is of this number: the letter is for whoever bears the name. */
export const ANY_SCOPE = -1;

export type Lane = 'system' | 'normal';

/** Two lanes in order: the system lane is played first and never full, the normal one is bounded. */
export class Mailbox<T> {
  readonly #system = new Ring<T>();
  readonly #normal = new Ring<T>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#system.size + this.#normal.size;
  }

  /** False: the normal lane is full and the letter was not taken. */
  push(letter: T, lane: Lane): boolean {
    if (lane === 'system') this.#system.push(letter);
    else if (this.#normal.size >= this.#capacity) return false;
    else this.#normal.push(letter);
    return true;
  }

  shift(): T | undefined {
    return this.#system.size > 0 ? this.#system.shift() : this.#normal.shift();
  }

  /** Takes over the normal lane of another, in its order; the system lane is of that life only. */
  takeNormal(other: Mailbox<T>): void {
    for (let l = other.#normal.shift(); l !== undefined; l = other.#normal.shift())
      this.#normal.push(l);
  }
}
