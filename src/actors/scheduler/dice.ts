/** Chance that is no chance: numbers from 0 to below 1. */
export type Dice = () => number;

/** The same numbers for the same job each time: of one picture there is one answer. */
export function diceOf(seed: number, id: string): Dice {
  let state = seed;
  for (const char of id) state = (Math.imul(state, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
