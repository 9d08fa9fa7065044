import { limits } from '../protocol/limits.ts';
import type { Watched } from '../protocol/watch-row.ts';
import type { Millis } from '../runtime/ports.ts';

type Changed = {
  readonly revision: number;
  readonly what: Watched;
  readonly key: string;
  readonly at: Millis;
};

/** What has changed lately, by name: how it is now is in the records. */
export class FeedPast {
  readonly #max: number;
  #changes: Changed[] = [];
  /** From this revision on all changes are known. */
  #from = 0;

  constructor(max: number = limits.watchPastMax) {
    this.#max = max;
  }

  add(change: Changed): void {
    this.#changes.push(change);
    // Now and then, so that each change is moved but once.
    if (this.#changes.length >= 2 * this.#max) this.#forget(this.#max, change.at);
  }

  /** Nothing is known of how it came to what is now. */
  clear(revision: number): void {
    this.#changes = [];
    this.#from = revision;
  }

  /** The keys that have changed in a revision or after it; undefined: that is too long ago. */
  since(what: Watched, revision: number, now: Millis): readonly string[] | undefined {
    this.#forget(this.#changes.length, now);
    if (revision < this.#from) return undefined;
    const keys = new Set<string>();
    for (let at = this.#changes.length - 1; at >= 0; at -= 1) {
      const change = this.#changes[at] as Changed;
      if (change.revision < revision) break;
      if (change.what === what) keys.add(change.key);
    }
    return [...keys].reverse();
  }

  /** Leaves so many at most, and none that is too old. */
  #forget(kept: number, now: Millis): void {
    const isYoung = ({ at }: Changed): boolean => at > now - limits.watchPastMs;
    const youngest = this.#changes.findIndex(isYoung);
    const old = youngest < 0 ? this.#changes.length : youngest;
    const gone = this.#changes.splice(0, Math.max(old, this.#changes.length - kept));
    const last = gone.at(-1);
    if (last !== undefined) this.#from = last.revision + 1;
  }
}
