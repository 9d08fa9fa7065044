import type { Millis } from '../../runtime/ports.ts';
import type { InLine } from './lines.ts';
import { askOf, type Free, type Pass } from './pass.ts';
import type { Reason } from './reason.ts';
import { earliest } from './reserve.ts';
import { book } from './room.ts';
import { isAble } from './spot.ts';

/** What a pass knows of a job for which it has no place now. */

/** Keeps room for it from when that will be there; undefined: nobody knows when. */
export function keepRoom(pass: Pass, job: InLine): Millis | undefined {
  const ask = askOf(job, pass.policy);
  const start = earliest(pass.room, ask, { count: job.spec.nodes, after: pass.now });
  if (start === undefined) return undefined;
  const { at, spots } = start;
  book(pass.room, spots, ask, { job: job.id, from: at });
  const nodes = spots.map(({ name }) => name);
  pass.plan.push({ id: job.id, at, cluster: spots[0]?.cluster ?? '', nodes });
  return at;
}

/** Reasons with how many nodes of one cluster would do if they were empty. */
export function withAble(
  reasons: readonly Reason[],
  { lands, policy }: Pick<Free, 'lands' | 'policy'>,
  job: InLine,
): readonly Reason[] {
  if (reasons.every(({ is }) => is !== 'room')) return reasons;
  const ask = askOf(job, policy);
  const of = lands.map(({ spots }) => spots.filter((spot) => isAble(ask, spot)).length);
  const able = Math.max(0, ...of);
  return reasons.map((reason) => (reason.is === 'room' ? { ...reason, able } : reason));
}
