import type { Millis } from '../../runtime/ports.ts';
import type { ClusterNews, Scheduler, SchedulerTasks } from './scheduler.ts';

/** What clusters have, as they tell it, or as their records do after a start. */

/** From here on the cluster itself counts what was claimed of it. */
export function withCluster(state: Scheduler, news: ClusterNews): Scheduler {
  const clusters = new Map(state.clusters);
  if (news.open || news.made !== null) clusters.set(news.cluster, news);
  else clusters.delete(news.cluster);
  const { claimed } = news;
  if (claimed === null || state.proposed.get(claimed.job)?.attempt !== claimed.attempt)
    return { ...state, checked: new Map(), clusters };
  const proposed = new Map(state.proposed);
  proposed.delete(claimed.job);
  return { ...state, checked: new Map(), clusters, proposed };
}

/**
 * What was heard meanwhile is newer than what was read. A claim that a former life had proposed is
 * made again: its room is not to be given away.
 */
export function withClusters(
  state: Scheduler,
  { clusters, claims }: SchedulerTasks['clusters'][1],
  now: Millis,
): Scheduler {
  const unheard = clusters.filter(({ cluster }) => !state.clusters.has(cluster));
  const proposed = new Map(state.proposed);
  for (const { id, attempt, placement } of claims)
    if (!proposed.has(id)) proposed.set(id, { attempt, at: now, placement });
  return unheard.reduce(withCluster, { ...state, proposed });
}
