import type { Clock, Millis } from '../../src/runtime/ports.ts';

export type HandClock = Clock & {
  /** Moves time on by so many milliseconds, playing each timer at its own instant. */
  pass(ms: Millis): void;
  /** Timers that wait. */
  readonly waiting: number;
};

/** A clock that stands still until it is moved by hand. Timers of one instant play in order. */
export function handClock(startMs: Millis = 1_000_000): HandClock {
  let now = startMs;
  let made = 0;
  const timers = new Map<number, { readonly at: Millis; readonly then: () => void }>();

  const next = (until: Millis): number | undefined => {
    let best: number | undefined;
    for (const [id, { at }] of timers)
      if (at <= until && (best === undefined || at < timers.get(best)!.at)) best = id;
    return best;
  };
  return {
    now: () => now,
    timer(ms, then) {
      const id = ++made;
      timers.set(id, { at: now + Math.max(0, ms), then });
      return () => void timers.delete(id);
    },
    pass(ms) {
      const until = now + ms;
      for (let id = next(until); id !== undefined; id = next(until)) {
        const { at, then } = timers.get(id)!;
        timers.delete(id);
        now = at;
        then();
      }
      now = until;
    },
    get waiting() {
      return timers.size;
    },
  };
}
