import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Dice } from './dice.ts';

/** How much of the time that they ask for jobs take, as those did that have ended. */

/** What is read of a job that has ended. */
export type Run = { readonly owner: string; readonly askedMs: Millis; readonly tookMs: Millis };

/** Sorted: parts of what was asked for; and times of those that asked for none. */
type Shape = { readonly parts: readonly number[]; readonly times: readonly Millis[] };
export type Past = { readonly all: Shape; readonly own: ReadonlyMap<string, Shape> };

export function pastOf(runs: readonly Run[]): Past {
  const own = new Map<string, Shape>();
  for (const [owner, theirs] of Map.groupBy(runs, (run) => run.owner))
    own.set(owner, shapeOf(theirs));
  return { all: shapeOf(runs), own };
}

function shapeOf(runs: readonly Run[]): Shape {
  const inOrder = (all: number[]): readonly number[] => all.sort((a, b) => a - b);
  const said = runs.filter(({ askedMs }) => askedMs > 0);
  return {
    parts: inOrder(said.map(({ askedMs, tookMs }) => tookMs / askedMs)),
    times: inOrder(runs.filter(({ askedMs }) => askedMs === 0).map(({ tookMs }) => tookMs)),
  };
}

/** Somebody's job, what it asks for, and for how long it has run. */
export type Whose = { readonly owner: string; readonly askedMs: Millis; readonly ranMs: Millis };

/**
 * How long it runs in all, drawn from what went before: more often from what its owner's jobs did,
 * the more of them there are, and else from those of all. Where nothing is known any part of the
 * time is as likely as any other; of a job without a time nobody knows then: infinite.
 */
export function drawn(past: Past, { owner, askedMs, ranMs }: Whose, dice: Dice): Millis {
  const own = past.own.get(owner);
  if (askedMs === 0)
    return pick(own?.times ?? [], past.all.times, ranMs, dice) ?? Number.POSITIVE_INFINITY;
  const part = ranMs / askedMs;
  return (pick(own?.parts ?? [], past.all.parts, part, dice) ?? anyAfter(part, dice)) * askedMs;
}

/** Of what is longer than what has been already, one by chance. */
function pick(
  own: readonly number[],
  all: readonly number[],
  over: number,
  dice: Dice,
): number | undefined {
  const mine = own.length - firstOver(own, over);
  const from = dice() * (mine + limits.ownPast) < mine ? own : all;
  const first = firstOver(from, over);
  return from[first + Math.floor(dice() * (from.length - first))];
}

function firstOver(values: readonly number[], over: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) > over) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What has run longer than it said is about to end. */
function anyAfter(part: number, dice: Dice): number {
  return part < 1 ? part + dice() * (1 - part) : part;
}
