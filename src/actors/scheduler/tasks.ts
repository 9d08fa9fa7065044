import { limits } from '../../protocol/limits.ts';
import type { Keeping, Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { CLUSTERS, keeping as clusterKeeping } from '../cluster/keeping.ts';
import { offer } from '../cluster/news.ts';
import { isBarred } from '../job/dependencies.ts';
import type { Job } from '../job/job.ts';
import { ENDED, keeping as jobKeeping, PLACING, QUEUED } from '../job/keeping.ts';
import { sortable } from '../keeping.ts';
import { tenureOf } from '../tenure.ts';
import type { Ended, SchedulerEvent, SchedulerTasks } from './scheduler.ts';
import { spentBy } from './share.ts';

/** Reads what waits, page by page while the scheduler is at work already, and what there is. */
export function schedulerTasks(store: Store): Tasks<SchedulerEvent, SchedulerTasks> {
  return {
    usage: async ({ since, until, after }) => {
      const from = after === '' ? `i${ENDED}/${sortable(since)}` : after;
      const below = `${ENDED}/${sortable(until)}`;
      const page = find(store, `${ENDED}/`, limits.pageMax, from, below);
      const ended = page.paths.flatMap((path) => {
        const job = load(store, jobKeeping, path)?.state;
        return job === undefined ? [] : usedBy(job);
      });
      const next = page.next === '' ? null : { since, until, after: page.next };
      return { ended, next };
    },
    load: async ({ after }) => {
      const page = find(store, `${QUEUED}/`, limits.pageMax, after);
      const jobs = page.paths.flatMap((path) => {
        const job = load(store, jobKeeping, path)?.state;
        if (job === undefined || job.phase !== 'queued' || isBarred(job)) return [];
        const { id, attempt, submittedAt, notBefore, spec, owner } = job;
        return [{ id, attempt, submittedAt, notBefore, spec, owner }];
      });
      return { jobs, next: page.next };
    },
    clusters: async () => {
      const clusters = all(store, CLUSTERS, clusterKeeping);
      const held = new Set(
        clusters.flatMap(({ holds }) => holds.map(({ job, attempt }) => `${job}.${attempt}`)),
      );
      const claims = all(store, PLACING, jobKeeping).flatMap(
        ({ id, attempt, placement, owner, spec }) =>
          placement === null || held.has(`${id}.${attempt}`)
            ? []
            : [{ id, attempt, placement, tenure: tenureOf(owner, spec) }],
      );
      return { clusters: clusters.map((cluster) => offer(cluster)), claims };
    },
  };
}

/** Of its runs the last; what those before it used is older. */
function usedBy({ placement, spec, startedAt, endedAt }: Job): readonly Ended[] {
  if (placement === null || startedAt === 0) return [];
  const { nodes, resources } = placement;
  const amount = spentBy({ nodes: nodes.length, resources, ms: endedAt - startedAt });
  return [{ account: spec.account, amount, at: endedAt }];
}

const all = <S>(store: Store, index: string, keeping: Keeping<S>): readonly S[] =>
  find(store, index, Number.MAX_SAFE_INTEGER).paths.flatMap(
    (path) => load(store, keeping, path)?.state ?? [],
  );
