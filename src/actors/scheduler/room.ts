import type { Resources } from '../../protocol/model.ts';
import type { Policy } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import { forAlike, once } from './alike.ts';
import { GPU, inOrder, type Land, rackOf } from './land.ts';
import { type Ask, type End, hasRoom, isAble, type Spot, taker, taking } from './spot.ts';

/**
 * The nodes of a cluster in the course of a pass, by what they have free: whoever looks for room
 * passes over those that have too little without looking at them. It changes in place, and what it
 * began with does not.
 */
export type Cell = {
  readonly land: Land;
  readonly racks: Map<number, readonly Spot[]>;
  /** Racks that are this cell's own by now. */
  readonly own: Map<number, Spot[]>;
  /** Of the racks: those with few free gpus first, then with few free cpus. */
  order: readonly number[];
};

export type Room = {
  readonly cells: readonly Cell[];
  readonly policy: Policy;
  readonly now: Millis;
};

export const roomOn = (lands: readonly Land[], policy: Policy, now: Millis): Room => ({
  cells: lands.map((land) => ({
    land,
    racks: new Map(land.racks),
    own: new Map(),
    order: land.order,
  })),
  policy,
  now,
});

/** Another room as this one is now, which does not change with it. */
export function forked(room: Room): Room {
  for (const { own } of room.cells) own.clear();
  const cells = room.cells.map((cell) => ({
    ...cell,
    racks: new Map(cell.racks),
    own: new Map<number, Spot[]>(),
  }));
  return { ...room, cells };
}

export type Look = {
  /** Nodes of one cluster, as many as were wanted; undefined: there are not so many. */
  readonly spots?: readonly Spot[];
  /** In all clusters, as far as they were looked at. */
  readonly free: number;
  /** A port that was in the way. */
  readonly port?: number;
};

/** Looks for nodes that have room for a job now: those that the policy prefers. */
export function look(room: Room, ask: Ask, count: number): Look {
  let free = 0;
  let port: number | undefined;
  for (const cell of room.cells) {
    const found: Spot[] = [];
    const isOpen = forAlike(ask, room.policy, (spot) => {
      if (!spot.up || !isAble(ask, spot)) return false;
      port ??= ask.ports.find((each) => spot.ports.includes(each));
      return hasRoom(spot, ask, room.now, room);
    });
    for (const spot of preferred(cell, ask, room.policy)) {
      if (!isOpen(spot)) continue;
      found.push(spot);
      if (found.length === count) return { spots: found, free: free + count };
    }
    free += found.length;
  }
  return { free, ...(port !== undefined && { port }) };
}

/** Gpus are left to those who want them; then the fullest come first, or the emptiest. */
function* preferred({ racks, order }: Cell, { want }: Ask, { place }: Policy): Iterable<Spot> {
  const enough = order.filter((key) => key >= want.gpus * GPU && key % GPU >= want.cpus);
  const keys = place === 'pack' ? enough : enough.sort(emptiestFirst);
  for (const key of keys) yield* racks.get(key) ?? [];
}

const emptiestFirst = (a: number, b: number): number =>
  Math.floor(a / GPU) - Math.floor(b / GPU) || b - a;

export type Holder = Pick<End, 'job' | 'attempt' | 'priority' | 'preemptible'>;

/** A job has its nodes, which all are of one cluster. */
export function take(room: Room, spots: readonly Spot[], ask: Ask, holder: Holder): void {
  const until = room.now + ask.lastsMs;
  const taken = taker((gives) => ({ ...holder, until, gives, ports: ask.ports }));
  move(room, spots, (spot) => taken(spot, taking(ask, spot)));
}

/** Nodes are kept for a job from an instant on. */
export function book(
  room: Room,
  spots: readonly Spot[],
  ask: Ask,
  { job, from }: { readonly job: string; readonly from: Millis },
): void {
  const until = from + ask.lastsMs;
  const booker = once((takes: Resources) => {
    const booking = { job, from, until, takes, ports: ask.ports };
    return once((booked: Spot['booked']) => [...booked, booking]);
  });
  move(room, spots, (spot) => ({ ...spot, booked: booker(taking(ask, spot))(spot.booked) }));
}

/** Puts others in the place of some nodes, which all are of one cluster. */
export function move(room: Room, spots: readonly Spot[], change: (spot: Spot) => Spot): void {
  const cell = room.cells.find(({ land }) => land.cluster === spots[0]?.cluster);
  if (cell === undefined) return;
  if (spots.length > FEW) return moveMany(cell, spots, change);
  for (const before of spots) {
    const after = change(before);
    const [from, to] = [rackOf(before), rackOf(after)];
    const rack = ownRack(cell, from);
    const at = rack.indexOf(before);
    if (from === to) {
      rack[at] = after;
      continue;
    }
    rack.splice(at, 1);
    ownRack(cell, to).push(after);
  }
}

/** Fewer are looked for one by one. */
const FEW = 8;

/** Each rack is gone through once, however many of it change. */
function moveMany(cell: Cell, spots: readonly Spot[], change: (spot: Spot) => Spot): void {
  const moved = new Map(spots.map((before) => [before, change(before)]));
  for (const key of new Set(spots.map(rackOf))) {
    const stays: Spot[] = [];
    for (const spot of ownRack(cell, key)) {
      const after = moved.get(spot) ?? spot;
      if (after === spot || rackOf(after) === key) stays.push(after);
    }
    cell.own.set(key, stays);
    cell.racks.set(key, stays);
  }
  for (const [before, after] of moved)
    if (rackOf(after) !== rackOf(before)) ownRack(cell, rackOf(after)).push(after);
}

function ownRack(cell: Cell, key: number): Spot[] {
  const known = cell.own.get(key);
  if (known !== undefined) return known;
  const rack = [...(cell.racks.get(key) ?? [])];
  const isNew = !cell.racks.has(key);
  cell.own.set(key, rack);
  cell.racks.set(key, rack);
  if (isNew) cell.order = inOrder(cell.racks);
  return rack;
}

/** All nodes of a cluster as they are by now. */
export function* spotsOf({ racks }: Cell): Iterable<Spot> {
  for (const rack of racks.values()) yield* rack;
}
