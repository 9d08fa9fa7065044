/** Who waits until an entry is applied, or for the answer to a read. */
export class Waits {
  #waiting: { readonly index: number; readonly then: (ok: boolean) => void }[] = [];
  readonly #reads = new Map<number, (ok: boolean) => void>();
  #readsMade = 0;

  /** Calls `then(true)` once reads see the entry of that index; at once if they do. */
  until(index: number, applied: number, then: (ok: boolean) => void): void {
    if (index <= applied) then(true);
    else this.#waiting.push({ index, then });
  }

  /** A number for a read that was asked for. */
  ask(then: (ok: boolean) => void): number {
    this.#reads.set(++this.#readsMade, then);
    return this.#readsMade;
  }

  /** The read may be answered from an index on; undefined: not here. */
  answer(id: number, index: number | undefined, applied: number): void {
    const then = this.#reads.get(id);
    this.#reads.delete(id);
    if (then === undefined) return;
    if (index === undefined) then(false);
    else this.until(index, applied, then);
  }

  /** Entries up to here are applied. */
  applied(upTo: number): void {
    if (!this.#waiting.some(({ index }) => index <= upTo)) return;
    const due = this.#waiting.filter(({ index }) => index <= upTo);
    this.#waiting = this.#waiting.filter(({ index }) => index > upTo);
    for (const { then } of due) then(true);
  }

  /** Nothing that is waited for will come. */
  end(): void {
    const lost = [...this.#reads.values(), ...this.#waiting.map(({ then }) => then)];
    this.#reads.clear();
    this.#waiting = [];
    for (const then of lost) then(false);
  }
}
