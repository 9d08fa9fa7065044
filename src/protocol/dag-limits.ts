/** Rows of `limits` for DAGs. */
export const dagLimits = {
  /** cli: jobs of one DAG. */
  dagJobsMax: 1_000,
} as const;
