import { queueOf } from '../../protocol/policy.ts';
import { type InLine, isBefore, type Line } from './lines.ts';
import type { Pass } from './pass.ts';
import { factorOf } from './share.ts';

/** Which line is served next. */

/** A line in which somebody waits, with the rank of who is its first. */
export type Ranked = { readonly line: Line; readonly rank: number };

/** What a job's priority comes to, with all that its policy adds. */
export function rankOf(
  { spec, submittedAt }: InLine,
  { policy, shares, amounts, now }: Pass,
): number {
  const { ageing, fairShare } = policy;
  const waited = Math.max(0, now - submittedAt) / HOUR_MS;
  return (
    spec.priority +
    (queueOf(policy, spec.queue)?.weight ?? 0) +
    Math.min(ageing.max, ageing.perHour * waited) +
    (fairShare.weight === 0 ? 0 : fairShare.weight * factorOf({ ...shares, amounts }, spec.account))
  );
}

const HOUR_MS = 3_600_000;

export const headOf = ({ jobs, from }: Line): InLine => jobs[from] as InLine;

const isAhead = (a: Ranked, b: Ranked): boolean =>
  a.rank === b.rank ? isBefore(headOf(a.line), headOf(b.line)) : a.rank > b.rank;

/** So that the one to serve next is the last. */
export const sorted = (open: Ranked[]): Ranked[] => open.sort((a, b) => (isAhead(a, b) ? 1 : -1));

/** Puts a line at its place among those that are sorted. */
export function putBack(open: Ranked[], line: Ranked): void {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAhead(open[middle] as Ranked, line)) high = middle;
    else low = middle + 1;
  }
  open.splice(low, 0, line);
}

/** Whether it is still the next, now that others were served: what they got lowers their rank. */
export function isNext(open: readonly Ranked[], line: Ranked): boolean {
  const next = open.at(-1);
  return next === undefined || isAhead(line, next);
}
