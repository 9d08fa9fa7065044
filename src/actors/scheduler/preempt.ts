import type { Millis } from '../../runtime/ports.ts';
import { covers, plus } from '../amounts.ts';
import { leave, nameOf } from './leaving.ts';
import type { InLine } from './lines.ts';
import { askOf, type Pass } from './pass.ts';
import { book, type Cell, type Room, spotsOf } from './room.ts';
import { type Ask, type End, hasRoom, isAble, type Spot, taking } from './spot.ts';

/** Jobs that make room for others of a higher priority, because their scripts let them. */

/** A node as it is once some have left it. */
type Cleared = { readonly spot: Spot; readonly victims: readonly End[] };

/**
 * Has the fewest make room for a job that has none, all of them of a lower priority, and keeps what
 * they leave for it. Undefined: that would not help.
 */
export function preempt(pass: Pass, job: InLine): Millis | undefined {
  const { policy, room, now } = pass;
  if (policy.preemption.by === 'off' || job.spec.gang !== '') return undefined;
  // Those who were asked have some time to leave; asking others as well would help nobody.
  if (job.spec.priority <= pass.lowest || pass.preempted.some((each) => each.for === job.id))
    return undefined;
  const ask = askOf(job, policy);
  const from = now + policy.preemption.graceMs;
  const best = room.cells
    .map((cell) => clearedIn(room, cell, ask, job, from))
    .filter((all) => all.length === job.spec.nodes)
    .sort((a, b) => victimsOf(a).length - victimsOf(b).length)[0];
  if (best === undefined) return undefined;
  const victims = victimsOf(best);
  for (const { job: id, attempt } of victims)
    pass.preempted.push({ id, attempt, for: job.id, since: now });
  leave(room, victims, from);
  const names = new Set(best.map(({ spot }) => spot.name));
  const spots = room.cells.flatMap((cell) =>
    cell.land.cluster === best[0]?.spot.cluster
      ? [...spotsOf(cell)].filter(({ name }) => names.has(name))
      : [],
  );
  book(room, spots, ask, { job: job.id, from });
  const cluster = spots[0]?.cluster ?? '';
  pass.plan.push({ id: job.id, at: from, cluster, nodes: spots.map(({ name }) => name) });
  return from;
}

function victimsOf(all: readonly Cleared[]): readonly End[] {
  const victims = new Map(all.flatMap((each) => each.victims.map((end) => [nameOf(end), end])));
  return [...victims.values()];
}

/** The nodes of a cluster on which the fewest have to leave; fewer nodes than wanted are none. */
const clearedIn = (
  room: Room,
  cell: Cell,
  ask: Ask,
  { spec }: InLine,
  from: Millis,
): readonly Cleared[] =>
  [...spotsOf(cell)]
    .filter((spot) => spot.up && isAble(ask, spot))
    .flatMap((spot) => cleared(room, spot, ask, { priority: spec.priority, from }))
    .sort((a, b) => a.victims.length - b.victims.length || (a.spot.name < b.spot.name ? -1 : 1))
    .slice(0, spec.nodes);

/** A node with as few gone as give the job its room: the least urgent first. */
function cleared(
  room: Room,
  spot: Spot,
  ask: Ask,
  { priority, from }: { readonly priority: number; readonly from: Millis },
): readonly Cleared[] {
  const lower = spot.ends
    .filter((end) => end.preemptible && end.priority < priority)
    .sort((a, b) => a.priority - b.priority || b.until - a.until);
  let [free, ports] = [spot.free, spot.ports];
  for (let count = 0; count <= lower.length; count++) {
    const victims = lower.slice(0, count);
    const last = victims.at(-1);
    if (last !== undefined) {
      free = plus(free, last.gives);
      ports = ports.filter((port) => !last.ports.includes(port));
    }
    if (!covers(free, taking(ask, spot))) continue;
    const ends = spot.ends.filter((end) => !victims.includes(end));
    const without = { ...spot, free, ports, ends };
    if (hasRoom(without, ask, from, room)) return [{ spot, victims }];
  }
  return [];
}
