import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { InLine, Line, Lines } from './lines.ts';
import { askOf, type Pass, place } from './pass.ts';
import type { Reason } from './reason.ts';
import { earliest } from './reserve.ts';
import { book, forked } from './room.ts';

/** Jobs that start together or not at all: all of a gang get their place in one pass. */

/** By gang: all of it who wait, in the order in which they came. */
export type Gangs = ReadonlyMap<string, readonly InLine[]>;

/** Gangs of two owners have nothing to do with one another; '' is none. */
export const gangOf = ({ owner = '', spec: { gang } }: InLine): string =>
  gang === '' ? '' : `${owner} ${gang}`;

export function gangsOf(lines: Lines, waits: (job: InLine) => boolean): Gangs {
  const gangs = new Map<string, InLine[]>();
  for (const line of lines.values()) {
    const gang = gangOf(line.jobs[line.from] as InLine);
    if (gang === '') continue;
    const more = membersIn(line, waits);
    gangs.set(gang, [...(gangs.get(gang) ?? []), ...more]);
  }
  for (const members of gangs.values())
    members.sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
  return gangs;
}

const membersIn = ({ jobs, from }: Line, waits: (job: InLine) => boolean): readonly InLine[] =>
  jobs.slice(from).filter(waits);

/**
 * How many must wait before any starts. One that had a place before comes back alone: the others
 * may run still, or have ended.
 */
const sizeOf = (members: readonly InLine[]): number =>
  members.some(({ attempt }) => attempt > 1)
    ? 1
    : Math.max(...members.map(({ spec }) => spec.gangSize || 1));

/** Gives all of a gang a place; else none of them, and says why. */
export function placeGang(pass: Pass, members: readonly InLine[]): readonly Reason[] {
  const gang = members[0]?.spec.gang ?? '';
  const of = sizeOf(members);
  if (members.length < of) return [{ is: 'gang', gang, here: members.length, of }];
  const before = kept(pass);
  for (const job of members) {
    const reasons = place(pass, job);
    if (reasons.length === 0) continue;
    Object.assign(pass, before);
    return reasons;
  }
  return [];
}

/** What placing a job changes, as it is now. */
const kept = ({ room, sites, warm, tally, proposals, amounts }: Pass) => ({
  room: forked(room),
  sites: sites.map((site) => ({ ...site })),
  warm: [...warm],
  tally: tally && new Map(tally),
  proposals: [...proposals],
  amounts: new Map(amounts),
});

/** Keeps room for a gang from the first instant at which all of it has some. */
export function keepRoomOfGang(pass: Pass, members: readonly InLine[]): Millis | undefined {
  let at = pass.now;
  for (let tries = 0; tries < limits.instantsMax; tries++) {
    const found = allAt(pass, members, at);
    if (found === undefined) return undefined;
    if (found.at > at) {
      at = found.at;
      continue;
    }
    pass.room = found.room;
    pass.plan.push(...found.plan);
    return at;
  }
  return undefined;
}

/** The room with all of them booked at an instant; or the next at which one of them has a place. */
function allAt(pass: Pass, members: readonly InLine[], after: Millis) {
  const room = forked(pass.room);
  const plan: Pass['plan'] = [];
  for (const job of members) {
    const ask = askOf(job, pass.policy);
    const start = earliest(room, ask, { count: job.spec.nodes, after });
    if (start === undefined) return undefined;
    if (start.at > after) return { at: start.at, room, plan };
    book(room, start.spots, ask, { job: job.id, from: after });
    const nodes = start.spots.map(({ name }) => name);
    plan.push({ id: job.id, at: after, cluster: start.spots[0]?.cluster ?? '', nodes });
  }
  return { at: after, room, plan };
}
