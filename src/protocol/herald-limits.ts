/** Rows of `limits` for what is told by `notify`. */
export const heraldLimits = {
  /** herald: changes of one job that wait for its receiver; the oldest go first. */
  heraldChangesMax: 100,
  /** herald: tries to tell of one change, and for how long. */
  heraldTriesMax: 12,
  heraldMsMax: 60 * 60_000,
  /** herald: the pause after the first try; it doubles up to the longest. */
  heraldPauseMs: 1_000,
  heraldPauseMsMax: 10 * 60_000,
  /** poster: how long a receiver may take for one, from the look for its address on. */
  heraldPostMs: 10_000,
  /** poster: changes that are on their way to one receiver at once. */
  heraldPostsMax: 8,
} as const;
