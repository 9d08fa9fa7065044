import { limits } from '../../protocol/limits.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { CLUSTERS, keeping as clusterKeeping } from '../cluster/keeping.ts';
import { offer } from '../cluster/news.ts';
import { keeping as jobKeeping, QUEUED } from '../job/keeping.ts';
import type { SchedulerEvent, SchedulerTasks } from './scheduler.ts';

/** Reads what waits, page by page while the scheduler is at work already, and what there is. */
export function schedulerTasks(store: Store): Tasks<SchedulerEvent, SchedulerTasks> {
  return {
    load: async ({ after }) => {
      const page = find(store, `${QUEUED}/`, limits.pageMax, after);
      const jobs = page.paths.flatMap((path) => {
        const job = load(store, jobKeeping, path)?.state;
        if (job === undefined || job.phase !== 'queued') return [];
        const { id, attempt, submittedAt, notBefore, spec } = job;
        return [{ id, attempt, submittedAt, notBefore, spec }];
      });
      return { jobs, next: page.next };
    },
    clusters: async () =>
      find(store, CLUSTERS, Number.MAX_SAFE_INTEGER).paths.flatMap((path) => {
        const cluster = load(store, clusterKeeping, path)?.state;
        return cluster === undefined ? [] : [offer(cluster)];
      }),
  };
}
