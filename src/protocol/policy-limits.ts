import { foresightLimits } from './foresight-limits.ts';
import { offerLimits } from './offer-limits.ts';

/** Rows of `limits` for what decides which job goes first, and where. */
export const policyLimits = {
  ...foresightLimits,
  ...offerLimits,
  /** policy: queues, accounts, users with limits of their own, and reservations. */
  queuesMax: 256,
  sharesOfMax: 10_000,
  bookedMax: 1_024,
  /** policy: patterns of nodes, labels, users or accounts of one queue or reservation. */
  patternsMax: 256,
  /** policy: blocked jobs for which room is kept. */
  reserveMax: 1_000,
  /** policy: what ageing, queues and fair share may add to a priority. */
  weightMax: 1_000_000,
  /** model: labels of one node, and of one job; countable things of a node. */
  labelsMax: 64,
  namedMax: 64,
  namedCountMax: 1_000_000,
  /** jobscript: jobs of one gang. */
  gangMax: 1_024,
  /** scheduler: who was to leave and has not is asked again so long after its time was up. */
  preemptAgainMs: 60_000,
  /** scheduler: between a pass that failed and the next. */
  faultMs: 5_000,
  /** reserve: what runs longer than it said is taken to end so much later than now. */
  overrunMs: 60_000,
  /** reserve: instants at which room for one job is looked for. */
  instantsMax: 64,
  /** share: a gpu counts as so many cpus. */
  gpuAsCpus: 8,
  /** share: what begins counts as used for so long at most. */
  inAdvanceMs: 3_600_000,
} as const;
