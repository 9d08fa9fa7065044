/** Rows of `limits` for what is measured of attempts. */
export const usedLimits = {
  /** meter: between two looks at an attempt, at first and later. */
  meterMsMin: 1_000,
  meterMsMax: 5_000,
  /** meter: how long what tells of graphics processors may take, and how old its word may be. */
  gpuMs: 10_000,
  /** runner: what an attempt uses is told no more rarely; sooner only while it is young. */
  usedToldMsMax: 60_000,
} as const;
