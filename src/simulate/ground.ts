import { plus } from '../actors/amounts.ts';
import { once } from '../actors/scheduler/alike.ts';
import {
  GPU,
  inOrder,
  type Land,
  landOf,
  less,
  type Proposed,
  rackOf,
} from '../actors/scheduler/land.ts';
import type { End, FreeNode, Spot } from '../actors/scheduler/spot.ts';
import type { Resources } from '../protocol/model.ts';
import { CLUSTER } from './machine.ts';

/**
 * The nodes that are there, in virtual time: the land of which the scheduler makes its picture. It
 * changes in place, between passes.
 */
export type Ground = {
  readonly cluster: string;
  readonly spots: Spot[];
  readonly places: ReadonlyMap<string, number>;
  readonly racks: Map<number, Spot[]>;
  order: readonly number[];
  /** Where each node is in its rack. */
  readonly stands: Int32Array;
};

export function groundOf(nodes: readonly FreeNode[]): Ground {
  const { cluster, spots, places, racks, order }: Land = landOf(CLUSTER, nodes, []);
  const stands = new Int32Array(spots.length);
  const alike = (spot: Spot): Spot => ({ ...spot, ends: NONE, booked: NONE });
  const own = new Map([...racks].map(([key, rack]) => [key, rack.map(alike)]));
  for (const rack of own.values())
    for (const [at, { name }] of rack.entries()) stands[places.get(name) ?? 0] = at;
  const all = [...spots];
  for (const rack of own.values()) for (const spot of rack) all[places.get(spot.name) ?? 0] = spot;
  return { cluster, spots: all, places, racks: own, order, stands };
}

/** How many nodes have so many processors and gpus free. */
export function withFree({ racks }: Ground, cpus: number, gpus: number): number {
  let sum = 0;
  for (const [key, rack] of racks) if (key % GPU >= cpus && key >= gpus * GPU) sum += rack.length;
  return sum;
}

/** What all have that have nothing. */
const NONE: readonly never[] = [];

/** A job has its nodes. */
export const claim = (ground: Ground, job: string, proposed: Proposed): void =>
  change(ground, proposed, less(job, proposed));

/** A job has ended, and gives back what it held. */
export function giveBack(ground: Ground, job: string, proposed: Proposed): void {
  const freed = once((gives: Resources) => once((free: Resources) => plus(free, gives)));
  const without = once((ends: readonly End[]) => {
    const end = ends.find((each) => each.job === job);
    if (end === undefined) throw new Error(`${job} holds nothing of its nodes`);
    const left = ends.filter((each) => each !== end);
    return { end, ends: left.length === 0 ? NONE : left };
  });
  change(ground, proposed, (spot) => {
    const { end, ends } = without(spot.ends);
    return { ...spot, free: freed(end.gives)(spot.free), ends };
  });
}

function change(
  ground: Ground,
  { placement: { nodes } }: Proposed,
  made: (spot: Spot) => Spot,
): void {
  const { spots, places, racks } = ground;
  const before = racks.size;
  for (const name of nodes) {
    const place = places.get(name);
    const spot = spots[place ?? -1];
    if (place === undefined || spot === undefined) throw new Error(`there is no node ${name}`);
    const after = made(spot);
    spots[place] = after;
    moveTo(ground, place, rackOf(spot), after);
  }
  if (racks.size !== before || ground.order.some((key) => !racks.has(key)))
    ground.order = inOrder(racks);
}

/** The last of the rack takes the place of who leaves it. */
function moveTo({ racks, stands, places }: Ground, place: number, key: number, after: Spot): void {
  const rack = racks.get(key) ?? [];
  const stand = stands[place] ?? 0;
  const to = rackOf(after);
  if (to === key) {
    rack[stand] = after;
    return;
  }
  const last = rack.pop() as Spot;
  if (stand < rack.length) {
    rack[stand] = last;
    stands[places.get(last.name) ?? 0] = stand;
  }
  if (rack.length === 0) racks.delete(key);
  const there = racks.get(to);
  stands[place] = there?.length ?? 0;
  if (there === undefined) racks.set(to, [after]);
  else there.push(after);
}
