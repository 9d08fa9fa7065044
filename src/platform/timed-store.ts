import type { Change, Outcome, Range, Store } from '../runtime/ports.ts';

/** How long commits took, in buckets: each counts those of at most so many seconds. */
export type Latencies = {
  readonly counts: readonly { readonly upToSeconds: number; readonly count: number }[];
  readonly count: number;
  readonly sumSeconds: number;
};

const BOUNDS = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  5,
  Number.POSITIVE_INFINITY,
];

/** Commits come by thousands a second: one of so many is timed, and tells for the others. */
const EVERY = 16;

/** The same store, with a look at its watch now and then. */
export function timedStore(store: Store): { readonly store: Store; latencies(): Latencies } {
  const timed = new TimedStore(store);
  return { store: timed, latencies: () => timed.latencies() };
}

class TimedStore implements Store {
  readonly #store: Store;
  readonly #counts = new Array<number>(BOUNDS.length).fill(0);
  #sumSeconds = 0;
  #commits = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get term(): number {
    return this.#store.term;
  }

  get(key: string): Uint8Array | undefined {
    return this.#store.get(key);
  }

  range(range: Range): readonly (readonly [key: string, value: Uint8Array])[] {
    return this.#store.range(range);
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    if (this.#commits++ % EVERY !== 0) return this.#store.commit(changes, then);
    const begun = performance.now();
    this.#store.commit(changes, (outcome) => {
      this.#took((performance.now() - begun) / 1000);
      then(outcome);
    });
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  latencies(): Latencies {
    let count = 0;
    const counts = BOUNDS.map((upToSeconds, i) => {
      count += this.#counts[i] ?? 0;
      return { upToSeconds, count };
    });
    return { counts, count, sumSeconds: this.#sumSeconds };
  }

  #took(seconds: number): void {
    this.#sumSeconds += seconds;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }
}
