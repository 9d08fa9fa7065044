import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import { minus } from '../amounts.ts';
import {
  type Cluster,
  type ClusterEffect,
  type Hold,
  heldOf,
  isOpen,
  type Made,
} from './cluster.ts';
import { isKept, isWhole } from './keep.ts';

/** What a cluster tells: its holders how it is, and the scheduler what it has free. */

type Attempt = { readonly job: string; readonly attempt: number };

/** What each holder is told: how the cluster is, and its own nodes in it. */
export function newsTo(
  cluster: Cluster,
  { job, attempt }: Attempt,
  nodes: readonly string[] | undefined,
): ClusterEffect {
  const members = cluster.members
    .filter((m) => nodes === undefined || nodes.includes(m.name))
    .map(({ resources: _, ...member }) => member);
  const { name, phase, detail, failure } = cluster;
  const evicted = cluster.evicted?.length ? { evicted: [...cluster.evicted] } : {};
  const known = { job, attempt, cluster: name, phase, detail, nodes: members, failure };
  const body = { ...known, ...evicted };
  return { do: 'tell', to: control(`/jobs/${job}`), message: message('job.cluster', body) };
}

const toHolders = (cluster: Cluster, holds: readonly Hold[]): readonly ClusterEffect[] =>
  holds.map((hold) => newsTo(cluster, hold, hold.nodes));

/** News to all who hold something, and to those who wait until it is gone. */
export const news = (cluster: Cluster): readonly ClusterEffect[] => [
  ...toHolders(cluster, cluster.holds),
  ...cluster.left.map((left) => newsTo(cluster, left, undefined)),
  toScheduler(cluster),
];

/** News of one node, to those who hold it. */
export const newsOf = (cluster: Cluster, node: string): readonly ClusterEffect[] => [
  ...toHolders(
    cluster,
    cluster.holds.filter((hold) => hold.nodes.includes(node)),
  ),
  toScheduler(cluster),
];

/** `claimed`: the attempt that these news are the first to count. */
export const toScheduler = (cluster: Cluster, claimed: Attempt | null = null): ClusterEffect => ({
  do: 'tell',
  to: control('/scheduler'),
  message: message('scheduler.cluster', offer(cluster, claimed)),
});

const warm = ({ owner, account }: Cluster, { image, price, unitMs, storages }: Made): Warm => ({
  owner,
  account,
  image,
  price,
  ...(unitMs !== undefined && { unitMs }),
  ...(storages && { storages }),
});
type Warm = NonNullable<Body<'scheduler.cluster'>['warm']>;

type Held = NonNullable<Body<'scheduler.cluster'>['holds']>[number];

/** What the scheduler may count on. A silent node may come back: only `up` ones are used. */
export function offer(cluster: Cluster, claimed: Attempt | null = null): Body<'scheduler.cluster'> {
  const { name, made, members, holds, phase } = cluster;
  const known = members.filter((m) => m.phase === 'up' || m.phase === 'silent');
  const left = new Map(known.map((m) => [m.name, { m, free: m.resources, ports: [] as number[] }]));
  for (const hold of holds)
    for (const node of hold.nodes) {
      const at = left.get(node);
      if (at === undefined) continue;
      at.free = minus(at.free, heldOf(hold, at.m));
      at.ports.push(...hold.ports);
    }
  const nodes = Math.max(1, members.length);
  return {
    ...(made !== null && isKept(cluster) && isWhole(cluster) && { warm: warm(cluster, made) }),
    cluster: name,
    open: made === null && phase === 'up',
    claimed: claimed && { job: claimed.job, attempt: claimed.attempt },
    made: made && phase !== 'gone' ? { remote: made.remote, flavor: made.flavor, nodes } : null,
    nodes: known.map((m) => ({
      name: m.name,
      up: isOpen(cluster, m),
      free: left.get(m.name)?.free ?? m.resources,
      total: m.resources,
      ports: left.get(m.name)?.ports ?? [],
      ...(m.labels && { labels: [...m.labels] }),
    })),
    // The very values that it keeps, so that whoever hears it sees at once which are new.
    ...(holds.length > 0 && { holds: holds as Held[] }),
  };
}
