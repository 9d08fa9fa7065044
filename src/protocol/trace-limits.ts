/** Rows of `limits` for traces that are simulated. */
export const traceLimits = {
  /** swf, history: jobs of one trace. */
  traceJobsMax: 5_000_000,
  /** simulate-given: bytes of a trace, unpacked. */
  traceBytesMax: 500_000_000,
  /** swf: seconds of an instant or a span, and processors of a job. */
  traceSecondsMax: 10 ** 10,
  traceProcessorsMax: 10 ** 8,
  /** machine: nodes of one described group; groups, sites, and flavors of a site. */
  groupNodesMax: 100_000,
  groupsMax: 256,
  /** simulate-given: faults of a trace that are told at once. */
  faultsTold: 10,
} as const;
