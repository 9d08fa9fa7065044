import type { Policy } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Held } from './land.ts';
import type { ClusterNews, Ended, Scheduler, SchedulerTasks } from './scheduler.ts';
import { spentBy, type Usage, used } from './share.ts';
import { emptyShelf } from './shelf.ts';

/** What clusters have, as they tell it, or as their records do after a start. */

/** From here on the cluster itself counts what was claimed of it. */
export function withCluster(before: Scheduler, news: ClusterNews, now: Millis): Scheduler {
  const clusters = new Map(before.clusters);
  if (news.open || news.made !== null) clusters.set(news.cluster, news);
  else clusters.delete(news.cluster);
  const usage = withEnded(before, before.clusters.get(news.cluster)?.holds ?? [], news, now);
  const state = { ...before, usage };
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
  { clusters, claims, reputes }: SchedulerTasks['clusters'][1],
  now: Millis,
): Scheduler {
  const unheard = clusters.filter(({ cluster }) => !state.clusters.has(cluster));
  const proposed = new Map(state.proposed);
  for (const { id, ...claim } of claims)
    if (!proposed.has(id)) proposed.set(id, { ...claim, at: now });
  const read = reputes.map(({ remote, flavors }) => [remote, flavors] as const);
  const known = new Map([...read, ...state.reputes]);
  const withClaims: Scheduler = { ...state, proposed, reputes: known };
  return unheard.reduce((next, news) => withCluster(next, news, now), withClaims);
}

/** What accounts have used, once some holds have ended; where nobody shares, nobody counts. */
function withEnded(
  { usage, policy }: Scheduler,
  before: readonly Held[],
  { holds = [] }: ClusterNews,
  now: Millis,
): Usage {
  if (policy.fairShare.weight === 0 || before.length === 0) return usage;
  const nameOf = ({ job, attempt }: Held): string => `${job}.${attempt}`;
  const left = new Set(holds.map(nameOf));
  return before.reduce((sum, hold) => {
    const { tenure, since = now, nodes, resources } = hold;
    if (tenure === undefined || left.has(nameOf(hold))) return sum;
    const amount = spentBy({ nodes: nodes.length, resources, ms: now - since });
    return used(sum, tenure.account, amount, { now, policy });
  }, usage);
}

/** What was used before this life of the scheduler; what has ended in it is counted already. */
export const withUsage = (state: Scheduler, ended: readonly Ended[]): Scheduler => ({
  ...state,
  usage: ended.reduce(
    (usage, { account, amount, at }) =>
      used(usage, account, amount, { now: at, policy: state.policy }),
    state.usage,
  ),
});

/** All who wait stand in other lines by another policy. */
export function withPolicy(state: Scheduler, policy: Policy): Scheduler {
  const read = [...state.read, ...state.waiting.flatMap((board) => [...(board?.values() ?? [])])];
  const lines = { waiting: emptyShelf, lines: new Map(), resting: new Map(), refused: new Map() };
  // Where nobody shared, nobody has counted: what was used is read anew.
  const usage: Usage = state.policy.fairShare.weight === 0 ? new Map() : state.usage;
  return { ...state, ...lines, policy, usage, read, checked: new Map() };
}
