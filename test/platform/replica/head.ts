import type { Clock } from '../../../src/runtime/ports.ts';

export const realClock: Clock = {
  now: () => Date.now(),
  timer(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
