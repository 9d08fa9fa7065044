import type { Body } from '../../protocol/messages.ts';
import type { Placement, Resources, Tenure } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { same } from '../amounts.ts';
import { type End, type FreeNode, type Spot, taker } from './spot.ts';

type News = Body<'scheduler.cluster'>;
/** What an attempt holds of the nodes of a cluster, as its cluster tells it. */
export type Held = NonNullable<News['holds']>[number];

/** A cluster's nodes as they are at the beginning of a pass. */
export type Land = {
  readonly cluster: string;
  readonly spots: readonly Spot[];
  /** Where each is among them, by its name. */
  readonly places: ReadonlyMap<string, number>;
  readonly racks: Racks;
  readonly order: readonly number[];
};

/** Nodes with as much free stand in one rack. */
export type Racks = ReadonlyMap<number, readonly Spot[]>;

const NEVER = Number.POSITIVE_INFINITY;

/** More cpus than a node has. */
export const GPU = 1 << 17;
export const rackOf = ({ free }: Spot): number =>
  Math.max(0, free.gpus) * GPU + Math.max(0, free.cpus);
export const inOrder = (racks: ReadonlyMap<number, unknown>): readonly number[] =>
  [...racks.keys()].sort((a, b) => a - b);

export const spotOf = ({ spots, places }: Land, name: string): Spot | undefined =>
  spots[places.get(name) ?? -1];

export function landOf(cluster: string, nodes: readonly FreeNode[], holds: readonly Held[]): Land {
  const places = new Map(nodes.map(({ name }, at) => [name, at]));
  const ends = new Map<number, End[]>();
  for (const hold of holds)
    for (const name of hold.nodes) {
      const at = places.get(name);
      if (at === undefined) continue;
      const end = endIn(hold, nodes[at] as FreeNode);
      const there = ends.get(at);
      if (there === undefined) ends.set(at, [end]);
      else there.push(end);
    }
  const spots = nodes.map((node, at) => spotWith(cluster, node, ends.get(at) ?? []));
  const racks = new Map<number, Spot[]>();
  for (const spot of spots) {
    const rack = racks.get(rackOf(spot));
    if (rack === undefined) racks.set(rackOf(spot), [spot]);
    else rack.push(spot);
  }
  return { cluster, spots, places, racks, order: inOrder(racks) };
}

const spotWith = (
  cluster: string,
  { name, up, free, total, ports, labels }: Omit<FreeNode, 'cluster'>,
  ends: readonly End[],
): Spot => ({
  ...{ name, cluster, up, free, total, ports },
  ...(labels && { labels }),
  ends: ends.toSorted((a, b) => a.until - b.until),
  booked: [],
});

/** What a hold gives back of one of its nodes, and when, as far as it was said. */
function endIn({ job, attempt, ports, exclusive, resources, ...hold }: Held, node: NodeOf): End {
  const { since = 0, tenure } = hold;
  const until = tenure === undefined || tenure.walltimeMs === 0 ? NEVER : since + tenure.walltimeMs;
  return endWith({ job, attempt, ports }, until, exclusive ? node.total : resources, tenure);
}
type NodeOf = Pick<FreeNode, 'total'>;

const endWith = (
  { job, attempt, ports }: Pick<Held, 'job' | 'attempt' | 'ports'>,
  until: Millis,
  gives: Resources,
  tenure: Tenure | undefined,
): End => ({
  ...{ job, attempt, ports, until, gives },
  priority: tenure?.priority ?? 0,
  preemptible: tenure?.preemptible ?? false,
});

const lands = new WeakMap<News, Land>();

/**
 * Made once of each news. Where those of before are known, only what differs is made anew: one of
 * many nodes changes at a time.
 */
export function landOfNews(news: News, before?: News): Land {
  const known = lands.get(news);
  if (known !== undefined) return known;
  const last = before && lands.get(before);
  const grown = before && last && landAfter(last, before, news);
  const { cluster, nodes, holds = [] } = news;
  const land =
    grown ??
    landOf(
      cluster,
      nodes.map((node) => ({ ...node, cluster })),
      holds,
    );
  lands.set(news, land);
  return land;
}

/** The land of newer news; undefined: other nodes are there. */
function landAfter(land: Land, before: News, news: News): Land | undefined {
  const { nodes } = news;
  if (nodes.length !== before.nodes.length) return undefined;
  const [gone, come] = between(before.holds ?? [], news.holds ?? []);
  const touched = new Set<number>();
  for (const hold of [...gone, ...come])
    for (const name of hold.nodes) touched.add(land.places.get(name) ?? -1);
  for (const [at, node] of nodes.entries()) {
    const old = before.nodes[at] as News['nodes'][number];
    if (old.name !== node.name) return undefined;
    if (!isAlike(old, node)) touched.add(at);
  }
  const spots = [...land.spots];
  const racks = new Map(land.racks);
  for (const at of touched) {
    const spot = spots[at];
    const node = nodes[at];
    if (spot === undefined || node === undefined) continue;
    const after = spotWith(land.cluster, node, endsAfter(spot, node, gone, come));
    spots[at] = after;
    moveIn(racks, spot, after);
  }
  return { ...land, spots, racks, order: inOrder(racks) };
}

function moveIn(racks: Map<number, readonly Spot[]>, before: Spot, after: Spot): void {
  const rack = racks.get(rackOf(before)) ?? [];
  racks.set(rackOf(before), rack.toSpliced(rack.indexOf(before), 1));
  racks.set(rackOf(after), [...(racks.get(rackOf(after)) ?? []), after]);
}

function endsAfter(
  { ends, name }: Spot,
  node: NodeOf,
  gone: readonly Held[],
  come: readonly Held[],
): readonly End[] {
  const isGone = (end: End): boolean =>
    gone.some(({ job, attempt }) => job === end.job && attempt === end.attempt);
  const more = come.filter(({ nodes }) => nodes.includes(name));
  return [...ends.filter((end) => !isGone(end)), ...more.map((hold) => endIn(hold, node))];
}

/** What is no more, and what is new: holds that stay are the same values, in the same order. */
function between(before: readonly Held[], after: readonly Held[]): readonly [Held[], Held[]] {
  const gone: Held[] = [];
  let at = 0;
  for (const hold of before)
    if (hold === after[at]) at++;
    else gone.push(hold);
  return [gone, after.slice(at)];
}

const isAlike = (a: News['nodes'][number], b: News['nodes'][number]): boolean =>
  a.up === b.up &&
  same(a.free, b.free) &&
  same(a.total, b.total) &&
  a.ports.length === b.ports.length &&
  a.ports.every((port, i) => port === b.ports[i]) &&
  areAlike(a.labels, b.labels);

const areAlike = (a: readonly string[] = NONE, b: readonly string[] = NONE): boolean =>
  a === b || (a.length === b.length && a.every((label, i) => label === b[i]));
const NONE: readonly string[] = [];

/** What was proposed and no cluster has counted yet: else the same room were proposed twice. */
export type Proposed = {
  readonly attempt: number;
  readonly at: Millis;
  readonly placement: Placement;
  readonly tenure?: Tenure;
};

/** Takes of nodes what was proposed of them. */
export function less(job: string, proposed: Proposed): (spot: Spot) => Spot {
  const { placement, attempt, at, tenure } = proposed;
  const walltimeMs = tenure?.walltimeMs ?? 0;
  const until = walltimeMs === 0 ? NEVER : at + walltimeMs;
  const held = { job, attempt, ports: placement.ports };
  const taken = taker((gives) => endWith(held, until, gives, tenure));
  return (spot) => taken(spot, placement.exclusive ? spot.total : placement.resources);
}
