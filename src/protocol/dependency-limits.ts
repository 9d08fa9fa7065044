/** Rows of `limits` for jobs that wait for others, and for those that come again and again. */
export const dependencyLimits = {
  /** jobscript, session: jobs that one job waits for. */
  dependenciesMax: 1_000,
  /** cli: jobs of one DAG. */
  dagJobsMax: 1_000,
  /** session: schedules of one owner. */
  schedulesMax: 256,
  /** schedule: a time that is heard of so late has been missed. */
  missedMs: 60_000,
} as const;
