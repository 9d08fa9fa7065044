import type { Resources } from '../../protocol/model.ts';
import type { FreeNode, Picture } from './place.ts';
import type { Proposed, Scheduler } from './scheduler.ts';

/**
 * What is free, as the scheduler knows it: what the clusters told, less what was proposed since and
 * no cluster has counted yet. Else the same room would be proposed twice, and refused once.
 */
export function picture({
  clusters,
  sites,
  proposed,
  relocate,
}: Pick<Scheduler, 'clusters' | 'sites' | 'proposed' | 'relocate'>): Omit<Picture, 'waiting'> {
  const open = [...proposed.values()];
  const known = [...clusters.values()];
  const nodes = known
    .filter((c) => c.open)
    .flatMap((c) => c.nodes.map((n) => less({ ...n, cluster: c.cluster }, open)));
  const underway = open.flatMap(({ placement: { cluster, made, nodes: names } }) =>
    made === null || clusters.has(cluster)
      ? []
      : [{ remote: made.remote, flavor: made.flavor, nodes: names.length }],
  );
  const isTaken = (cluster: string): boolean =>
    open.some(({ placement: p }) => p.warm !== undefined && p.cluster === cluster);
  const made = [...known.flatMap((c) => (c.made === null ? [] : [c.made])), ...underway];
  return {
    relocate,
    nodes,
    warm: known.flatMap((c) => {
      const { cluster, made: of, warm } = c;
      if (of === null || warm === undefined || isTaken(cluster)) return [];
      const { remote, flavor } = of;
      return [{ ...warm, cluster, remote, flavor, nodes: c.nodes.map(({ name }) => name) }];
    }),
    sites: [...sites.values()].map((site) => {
      const there = made.filter(({ remote }) => remote === site.remote);
      const cpusOf = (flavor: string): number =>
        site.flavors.find((f) => f.name === flavor)?.resources.cpus ?? 0;
      const cpus = there.reduce((sum, m) => sum + m.nodes * cpusOf(m.flavor), 0);
      return { ...site, clusters: there.length, cpus };
    }),
  };
}

function less(node: FreeNode, proposed: readonly Proposed[]): FreeNode {
  const taken = proposed.filter(
    ({ placement: { cluster, nodes } }) => cluster === node.cluster && nodes.includes(node.name),
  );
  if (taken.length === 0) return node;
  return {
    ...node,
    free: taken.reduce((left, { placement }) => minus(left, placement.resources), node.free),
    ports: [...node.ports, ...taken.flatMap(({ placement }) => placement.ports)],
  };
}

const minus = (a: Resources, b: Resources): Resources => ({
  cpus: a.cpus - b.cpus,
  memoryBytes: a.memoryBytes - b.memoryBytes,
  gpus: a.gpus - b.gpus,
});
