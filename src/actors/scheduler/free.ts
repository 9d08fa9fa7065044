import { landOfNews, type Proposed } from './land.ts';
import type { Free } from './pass.ts';
import type { ClusterNews, Scheduler } from './scheduler.ts';
import type { Warm } from './warm.ts';

/**
 * What is free, as the scheduler knows it: what the clusters told, less what was proposed since and
 * no cluster has counted yet. Else the same room would be proposed twice, and refused once.
 */
export function free(state: FreeIn): Free {
  const { clusters, sites, proposed, relocate, policy, usage, preempted, passed, reputes } = state;
  const known = [...clusters.values()];
  const open = [...proposed];
  const underway = open.flatMap(
    ([
      ,
      {
        placement: { cluster, made, nodes },
      },
    ]) =>
      made === null || clusters.has(cluster)
        ? []
        : [{ remote: made.remote, flavor: made.flavor, nodes: nodes.length }],
  );
  const made = [...known.flatMap((c) => (c.made === null ? [] : [c.made])), ...underway];
  return {
    relocate,
    policy,
    usage,
    preempted,
    lands: known
      .filter((news) => news.open)
      .map((news) => landOfNews(news, passed.get(news.cluster))),
    holds: known.map(({ holds = [] }) => holds),
    proposed,
    warm: known.flatMap((news) => warmOf(news, open)),
    sites: [...sites.values()].map((site) => {
      const there = made.filter(({ remote }) => remote === site.remote);
      const cpusOf = (flavor: string): number =>
        site.flavors.find((f) => f.name === flavor)?.resources.cpus ?? 0;
      const cpus = there.reduce((sum, m) => sum + m.nodes * cpusOf(m.flavor), 0);
      const past = reputes.get(site.remote);
      return { ...site, clusters: there.length, cpus, ...(past && { past }) };
    }),
  };
}
type FreeIn = Pick<
  Scheduler,
  | 'clusters'
  | 'sites'
  | 'reputes'
  | 'proposed'
  | 'relocate'
  | 'policy'
  | 'usage'
  | 'preempted'
  | 'passed'
>;
type Open = readonly (readonly [job: string, proposed: Proposed])[];

function warmOf({ cluster, made, warm, nodes }: ClusterNews, open: Open): readonly Warm[] {
  const isTaken = open.some(
    ([, { placement: p }]) => p.warm !== undefined && p.cluster === cluster,
  );
  if (made === null || warm === undefined || isTaken) return [];
  const { remote, flavor } = made;
  return [{ ...warm, cluster, remote, flavor, nodes: nodes.map(({ name }) => name) }];
}
