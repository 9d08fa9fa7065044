import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { covers } from '../amounts.ts';
import { forAlike } from './alike.ts';
import { type Cell, type Room, spotsOf } from './room.ts';
import { Soonest, type Turn } from './soonest.ts';
import { type Ask, endOf, hasRoom, isAble, type Spot, taking, turns } from './spot.ts';

/** Where and when a job starts that has no room now, if all ends that were promised are kept. */

export type Start = { readonly at: Millis; readonly spots: readonly Spot[] };

/** How many nodes, and from when on at the earliest. */
export type Wish = { readonly count: number; readonly after: Millis };

/** The earliest start in any cluster; undefined: nobody knows of one. */
export function earliest(room: Room, ask: Ask, wish: Wish): Start | undefined {
  let best: Start | undefined;
  for (const cell of room.cells) {
    const start = startIn(room, cell, ask, wish);
    if (start !== undefined && (best === undefined || start.at < best.at)) best = start;
  }
  return best;
}

function startIn(room: Room, cell: Cell, ask: Ask, wish: Wish): Start | undefined {
  const soonest = soonestIn(room, cell, ask, wish);
  const last = soonest[wish.count - 1];
  if (last === undefined) return undefined;
  const isOpen = forAlike(ask, room.policy, (spot) => hasRoom(spot, ask, last.at, room));
  return soonest.every(({ spot }) => isOpen(spot))
    ? { at: last.at, spots: soonest.map(({ spot }) => spot) }
    : together(room, cell, ask, { ...wish, after: last.at });
}

/** The nodes that have room first. Most are passed over, since something there ends too late. */
function soonestIn(room: Room, cell: Cell, ask: Ask, { count, after }: Wish): readonly Turn[] {
  const found = new Soonest(count);
  const turnOf = forAlike(ask, room.policy, (spot) =>
    notBefore(room, spot, ask) >= found.worst || !spot.up || !isAble(ask, spot)
      ? Number.POSITIVE_INFINITY
      : firstTurn(room, spot, ask, after),
  );
  for (const rack of cell.racks.values())
    for (const spot of rack) {
      const at = turnOf(spot);
      if (at < found.worst) found.add(spot, at);
    }
  return found.inOrder();
}

function notBefore({ now }: Room, spot: Spot, ask: Ask): Millis {
  const { free, ends } = spot;
  if (free.cpus >= ask.want.cpus && covers(free, taking(ask, spot))) return now;
  const first = ends[0];
  return first === undefined ? Number.POSITIVE_INFINITY : endOf(first, now);
}

function firstTurn(room: Room, spot: Spot, ask: Ask, after: Millis): Millis {
  if (hasRoom(spot, ask, after, room)) return after;
  for (const at of turns(spot, ask, room))
    if (at > after && hasRoom(spot, ask, at, room)) return at;
  return Number.POSITIVE_INFINITY;
}

/** Nodes that have room each for itself may not have it at once: later instants are tried. */
function together(room: Room, cell: Cell, ask: Ask, { count, after }: Wish): Start | undefined {
  const able = [...spotsOf(cell)].filter((spot) => spot.up && isAble(ask, spot));
  const turnsOf = forAlike(ask, room.policy, (spot) => turns(spot, ask, room));
  const instants = new Set<Millis>();
  for (const spot of able) for (const at of turnsOf(spot)) instants.add(at);
  const later = [...instants].filter((at) => at >= after).sort((a, b) => a - b);
  for (const at of later.slice(0, limits.instantsMax)) {
    const open = able.filter(forAlike(ask, room.policy, (spot) => hasRoom(spot, ask, at, room)));
    if (open.length >= count) return { at, spots: open.slice(0, count) };
  }
  return undefined;
}
