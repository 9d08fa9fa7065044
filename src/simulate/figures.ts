import type { Millis } from '../runtime/ports.ts';
import { cpusOf, type Machine } from './machine.ts';
import type { Outcome, Replay } from './replay.ts';

/** What a replay comes to, in numbers. Times are milliseconds. */
export type Figures = {
  readonly jobs: number;
  /** Jobs that never got a place. */
  readonly never: number;
  readonly waitMeanMs: number;
  readonly waitMedianMs: number;
  readonly wait95Ms: number;
  /** Wait and run beside run, of which at least ten seconds count: the mean over all jobs. */
  readonly slowdown: number;
  /** The part of the nodes' processors that jobs held, from the first submit to the last end. */
  readonly utilisation: number;
  readonly makespanMs: number;
  /** What clusters cost that were made for jobs. */
  readonly cost: number;
};

const SLOWDOWN_LEAST_MS = 10_000;

export function figuresOf({ outcomes, waiting }: Replay, machine: Machine): Figures {
  const waits = outcomes.map(waitOf).sort((a, b) => a - b);
  const { from, until } = spanOf(outcomes);
  const held = sum(outcomes.map(heldOf));
  const whole = cpusOf(machine) * (until - from);
  return {
    jobs: outcomes.length,
    never: waiting.length,
    waitMeanMs: mean(waits),
    waitMedianMs: rank(waits, 0.5),
    wait95Ms: rank(waits, 0.95),
    slowdown: mean(outcomes.map(slowdownOf)),
    utilisation: whole === 0 ? 0 : held / whole,
    makespanMs: until - from,
    cost: sum(outcomes.map(({ cost }) => cost)),
  };
}

const waitOf = ({ startedAt, submittedAt }: Outcome): Millis => startedAt - submittedAt;

function slowdownOf({ submittedAt, startedAt, endedAt }: Outcome): number {
  const run = Math.max(endedAt - startedAt, SLOWDOWN_LEAST_MS);
  return Math.max(1, (endedAt - submittedAt) / run);
}

/** Processors that it held of the nodes, of a cluster that was made for it none. */
const cpusHeld = ({ placement: { made, nodes, resources } }: Outcome): number =>
  made === null ? nodes.length * resources.cpus : 0;

const heldOf = (outcome: Outcome): number =>
  cpusHeld(outcome) * (outcome.endedAt - outcome.startedAt);

const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
const mean = (all: readonly number[]): number => (all.length === 0 ? 0 : sum(all) / all.length);
/** By nearest rank, of what is sorted. */
const rank = (all: readonly number[], share: number): number =>
  all[Math.max(0, Math.ceil(all.length * share) - 1)] ?? 0;

/** From the first submit to the last end. */
export function spanOf(outcomes: readonly Outcome[]): {
  readonly from: Millis;
  readonly until: Millis;
} {
  if (outcomes.length === 0) return { from: 0, until: 0 };
  let [from, until] = [Number.POSITIVE_INFINITY, 0];
  for (const { submittedAt, endedAt } of outcomes) {
    from = Math.min(from, submittedAt);
    until = Math.max(until, endedAt);
  }
  return { from, until };
}

/** How it went, in steps of equal length: means over each. */
export type Progress = {
  readonly from: Millis;
  readonly stepMs: Millis;
  /** From 0 to 1. */
  readonly utilisation: readonly number[];
  /** Jobs that wait. */
  readonly queue: readonly number[];
};

export function progressOf(
  { outcomes }: Replay,
  machine: Machine,
  { from, until, steps }: { readonly from: Millis; readonly until: Millis; readonly steps: number },
): Progress {
  const stepMs = (until - from) / steps;
  const [busy, waiting] = [new Float64Array(steps), new Float64Array(steps)];
  const spread = (into: Float64Array, begin: Millis, end: Millis, amount: number): void => {
    for (let at = Math.floor((begin - from) / stepMs); at < steps; at++) {
      const [low, high] = [from + at * stepMs, from + (at + 1) * stepMs];
      if (low >= end) return;
      into[at]! += (amount * (Math.min(end, high) - Math.max(begin, low))) / stepMs;
    }
  };
  for (const outcome of outcomes) {
    const { submittedAt, startedAt, endedAt } = outcome;
    spread(busy, startedAt, endedAt, cpusHeld(outcome));
    spread(waiting, submittedAt, startedAt, 1);
  }
  const cpus = Math.max(1, cpusOf(machine));
  return {
    ...{ from, stepMs },
    utilisation: [...busy].map((of) => of / cpus),
    queue: [...waiting],
  };
}
