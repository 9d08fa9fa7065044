import { ratesOf } from '../actors/cluster/rates.ts';
import { countJobs, type JobCounts } from '../actors/job/counts.ts';
import type { Metrics, Observed } from '../api/metrics.ts';
import { limits } from '../protocol/limits.ts';
import type { Records } from '../runtime/ports.ts';
import { unlessReplaced } from './group.ts';
import type { HeadSetup } from './head.ts';
import type { HeadParts } from './lent.ts';

/** What a head tells of itself. What it takes to tell is loaded when somebody asks first. */
export function metricsOf(
  setup: HeadSetup,
  { status, calls, config }: Pick<HeadParts, 'status' | 'calls' | 'config'>,
): Metrics {
  const { node, links, council, clock, commits } = setup;
  let opened: Promise<Metrics> | undefined;
  const open = async (): Promise<Metrics> => {
    const observed: Observed = {
      node: node(),
      status,
      commits,
      links: () => links.names().length,
      jobs: countsOf(council.store),
      now: () => clock.now(),
      remotes: config.remotes.map(({ name }) => name),
      calls: () => calls.counts(),
      rates: () => unlessReplaced(() => ratesOf(council.store), new Map()),
    };
    return (await import('../api/metrics.ts')).openMetrics(observed);
  };
  return async () => {
    opened ??= open();
    return (await opened)();
  };
}

/** Counts of a moment ago are good enough for all who ask meanwhile. */
function countsOf(store: Records): () => Promise<JobCounts> {
  let counted: Promise<JobCounts> | undefined;
  const count = async (): Promise<JobCounts> => {
    const steps = countJobs(store, limits.jobCountsPerTurn);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const forget = (): void => {
    counted = undefined;
  };
  return () => {
    if (counted === undefined) {
      counted = count();
      counted.then(() => setTimeout(forget, limits.jobCountsMs).unref(), forget);
    }
    return counted;
  };
}
