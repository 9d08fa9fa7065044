import type { Cancel, Clock, Millis } from '../runtime/ports.ts';

/** Where time comes from; tests lend others. */
export type TimeSources = {
  /** Milliseconds since the epoch, as the system has it: it may be set, either way. */
  readonly wall: () => number;
  /** Milliseconds of a clock that only goes forward; it may stand while the machine sleeps. */
  readonly steady: () => number;
};

const system: TimeSources = { wall: () => Date.now(), steady: () => performance.now() };

/**
 * Node's timers take no longer span, and they stand still while the machine sleeps: a long one is
 * looked at again each time this much has passed.
 */
const LOOK_AGAIN_MS = 30_000;

/**
 * The node's clock. It follows the wall clock forward, also over a sleep of the machine; where the
 * wall clock is set back it goes on at the steady clock's pace until the wall has caught up.
 */
export function systemClock({ wall, steady }: TimeSources = system): Clock {
  let last = wall();
  let lastSteady = steady();

  const now = (): Millis => {
    const at = steady();
    last = Math.max(last + Math.max(0, at - lastSteady), wall());
    lastSteady = at;
    return Math.floor(last);
  };

  const timer = (ms: Millis, then: () => void): Cancel => {
    if (!Number.isFinite(ms)) throw new RangeError(`a timer of ${ms} ms`);
    const due = now() + Math.max(0, ms);
    let pending: NodeJS.Timeout;
    const look = (): void => {
      const left = due - now();
      if (left <= 0) then();
      else pending = setTimeout(look, Math.min(left, LOOK_AGAIN_MS));
    };
    pending = setTimeout(look, Math.min(Math.max(0, ms), LOOK_AGAIN_MS));
    return () => clearTimeout(pending);
  };

  return { now, timer };
}
