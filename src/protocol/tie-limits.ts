/** Rows of `limits` for jobs that are tied to a terminal. */
export const tieLimits = {
  /** job: how long one is kept whose terminal says nothing; leaders change faster. */
  tieMs: 15_000,
  /** cli: between two words of a terminal that is there. */
  tieAgainMs: 4_000,
} as const;
