import type { Spec, Tenure } from '../protocol/model.ts';

/** What is to be known of a job that holds something, without the job. */
export const tenureOf = (owner: string, spec: Spec): Tenure => ({
  owner,
  account: spec.account,
  queue: spec.queue,
  priority: spec.priority,
  preemptible: spec.preemptible,
  walltimeMs: spec.walltimeMs,
});
