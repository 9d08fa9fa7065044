import type { Cancel } from './ports.ts';

/** What a phase began and its end must stop: timers, asks, tasks and watches. */
export class Scope {
  /** Tells this stay in a phase from all others of the same life. */
  id = 0;
  #open = new Set<Cancel>();

  get size(): number {
    return this.#open.size;
  }

  /** Takes what to call at the end of the phase; call the result when it is over by itself. */
  until(end: Cancel): Cancel {
    this.#open.add(end);
    return () => void this.#open.delete(end);
  }

  /** Ends all of it, and makes strangers of answers still on their way. */
  leave(): void {
    this.id++;
    const ends = this.#open;
    if (ends.size === 0) return;
    this.#open = new Set();
    for (const end of ends) end();
  }
}
