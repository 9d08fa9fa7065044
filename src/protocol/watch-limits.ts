/** Rows of `limits` for watches that go on after a lost connection. */
export const watchLimits = {
  /** feed: changes that are remembered for those who come back, and for how long. */
  watchPastMax: 20_000,
  watchPastMs: 10 * 60_000,
} as const;
