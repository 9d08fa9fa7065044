/** Rows of `limits` for schedules. */
export const scheduleLimits = {
  /** session: schedules of one owner. */
  schedulesMax: 256,
  /** schedule: a tick that is heard of so late has been missed. */
  missedMs: 60_000,
} as const;
