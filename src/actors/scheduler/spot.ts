import { limits } from '../../protocol/limits.ts';
import type { Resources } from '../../protocol/model.ts';
import type { Booking, Policy, Queue } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import { covers, minus, plus } from '../amounts.ts';
import { once } from './alike.ts';

/** A node as a pass sees it: what is free now, what ends later, and what is promised to others. */

export type FreeNode = {
  readonly name: string;
  readonly cluster: string;
  /** One that is silent may come back, and counts for what could ever run. */
  readonly up: boolean;
  readonly free: Resources;
  readonly total: Resources;
  readonly ports: readonly number[];
  readonly labels?: readonly string[];
};

/** Something that is held of a node, and when it ends as far as was said; infinite: nobody did. */
export type End = {
  readonly job: string;
  readonly attempt: number;
  readonly until: Millis;
  readonly gives: Resources;
  readonly ports: readonly number[];
  readonly priority: number;
  readonly preemptible: boolean;
};

/** Room that is kept from then on, for so long as its job may take. */
export type Booked = {
  readonly job: string;
  readonly from: Millis;
  readonly until: Millis;
  readonly takes: Resources;
  readonly ports: readonly number[];
};

export type Spot = FreeNode & {
  /** The first to end first. */
  readonly ends: readonly End[];
  readonly booked: readonly Booked[];
};

/** The ends of a node and one more, at its place. */
function withEnd({ ends }: Pick<Spot, 'ends'>, end: End): readonly End[] {
  const behind = ends.findIndex(({ until }) => until > end.until);
  return behind < 0 ? [...ends, end] : ends.toSpliced(behind, 0, end);
}

/** Takes so much of nodes, until the end that is made of it; what was alike of them is so still. */
export function taker(endOf: (gives: Resources) => End): (spot: Spot, gives: Resources) => Spot {
  const made = once((gives: Resources) => {
    const end = endOf(gives);
    return {
      ports: end.ports,
      free: once((free: Resources) => minus(free, gives)),
      ends: once((ends: readonly End[]) => withEnd({ ends }, end)),
    };
  });
  return (spot, gives) => {
    const { free, ends, ports } = made(gives);
    const all = ports.length === 0 ? spot.ports : [...spot.ports, ...ports];
    return { ...spot, free: free(spot.free), ports: all, ends: ends(spot.ends) };
  };
}

/** What a job wants of each of its nodes, and for how long. */
export type Ask = {
  readonly want: Resources;
  readonly exclusive: boolean;
  readonly ports: readonly number[];
  readonly constraint: readonly string[];
  readonly queue: Queue | undefined;
  readonly lastsMs: Millis;
  readonly owner: string;
  readonly account: string;
};

/** What it takes of that node. */
export const taking = ({ want, exclusive }: Ask, { total }: FreeNode): Resources =>
  exclusive ? total : want;

/** What runs longer than it said ends a bit later than now: nobody knows better. */
export const endOf = ({ until }: End, now: Millis): Millis =>
  until <= now ? now + limits.overrunMs : until;

/** Whether the node is one that the job may be on at all, and that has enough when it is empty. */
export const isAble = (ask: Ask, node: FreeNode): boolean =>
  covers(node.total, ask.want) &&
  ask.constraint.every((label) => node.labels?.includes(label) === true) &&
  isOf(ask.queue, node);

const isOf = (queue: Queue | undefined, { name, labels }: FreeNode): boolean =>
  queue === undefined ||
  ((queue.nodes === undefined || queue.nodes.some((pattern) => matches(pattern, name))) &&
    (queue.labels ?? []).every((label) => labels?.includes(label) === true));

/** Whether a name is of a pattern, in which `*` stands for anything. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= name.length;
}

/** The instant of a pass, and what it goes by. */
export type When = { readonly now: Millis; readonly policy: Policy };

/** Whether a job that starts there now, or at an instant to come, is in nobody's way. */
export function hasRoom(spot: Spot, ask: Ask, at: Millis, { now, policy }: When): boolean {
  const takes = taking(ask, spot);
  if (!covers(freeAt(spot, at, now), takes)) return false;
  const until = at + ask.lastsMs;
  if (ask.ports.length > 0 && !arePortsFree(spot, ask.ports, { at, until, now })) return false;
  for (const { from } of spot.booked)
    if (from > at && from < until && !covers(freeAt(spot, from, now), takes)) return false;
  return closed(spot, ask, policy).every((booking) => !overlaps(booking, at, until));
}

/** What is free at an instant: what has ended by then is back, and what is booked then is not. */
function freeAt({ free, ends, booked }: Spot, at: Millis, now: Millis): Resources {
  let left = free;
  if (at > now) for (const end of ends) if (endOf(end, now) <= at) left = plus(left, end.gives);
  for (const { from, until, takes } of booked)
    if (from <= at && at < until) left = minus(left, takes);
  return left;
}

type Span = { readonly at: Millis; readonly until: Millis; readonly now: Millis };

function arePortsFree(spot: Spot, ports: readonly number[], { at, until, now }: Span): boolean {
  const isOver = (port: number): boolean =>
    spot.ends.some((end) => end.ports.includes(port) && endOf(end, now) <= at);
  const isBooked = (port: number): boolean =>
    spot.booked.some((each) => each.ports.includes(port) && each.from < until && at < each.until);
  return ports.every((port) => (!spot.ports.includes(port) || isOver(port)) && !isBooked(port));
}

/** The reservations of this node that are not for such a job. */
const closed = (spot: FreeNode, ask: Ask, { reservations }: Policy): readonly Booking[] =>
  reservations.filter(
    (booking) =>
      !isFor(booking, ask) && booking.nodes.some((pattern) => matches(pattern, spot.name)),
  );

/** Without names it is for nobody: nodes that are to be worked on. */
const isFor = ({ users = [], accounts = [] }: Booking, { owner, account }: Ask): boolean =>
  users.includes(owner) || accounts.includes(account);

const overlaps = ({ from, until }: Booking, at: Millis, end: Millis): boolean =>
  Date.parse(from) < end && at < Date.parse(until);

/** Instants from which on a job may have room there that has none before, the first first. */
export function turns(spot: Spot, ask: Ask, { now, policy }: When): readonly Millis[] {
  const [end, another] = spot.ends;
  // So it is with most nodes that have one job at a time.
  if (another === undefined && spot.booked.length === 0 && policy.reservations.length === 0)
    return end === undefined || end.until === Number.POSITIVE_INFINITY
      ? [now]
      : [now, endOf(end, now)];
  const all = [
    ...spot.ends.map((end) => endOf(end, now)),
    ...spot.booked.map(({ until }) => until),
    ...closed(spot, ask, policy).map(({ until }) => Date.parse(until)),
  ].filter((at) => at > now && at < Number.POSITIVE_INFINITY);
  return [now, ...new Set(all)].sort((a, b) => a - b);
}
