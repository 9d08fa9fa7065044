import type { Outcome } from '../../src/simulate/replay.ts';
import type { Past, Trace } from '../../src/simulate/trace.ts';
import type { Dice } from '../sim/dice.ts';

export const SECOND = 1_000;

/** A job of so many processors that comes, and runs, and said how long it may: in seconds. */
export const past = (
  name: string,
  [comes, runs, says, count]: readonly [number, number, number, number],
  change: Partial<Past> = {},
): Past => ({
  name,
  submittedAt: comes * SECOND,
  runMs: runs * SECOND,
  walltimeMs: says * SECOND,
  wants: { is: 'processors', count, memoryBytes: 0 },
  ...{ owner: '1', account: '1', queue: '' },
  ...change,
});

export const traceOf = (...jobs: readonly Past[]): Trace => ({ jobs, leftOut: 0 });

/** By name: from when until when it ran, in seconds. */
export const spans = (outcomes: readonly Outcome[]) =>
  Object.fromEntries(
    outcomes.map(({ job, startedAt, endedAt }) => [
      job.name,
      [startedAt / SECOND, endedAt / SECOND],
    ]),
  );

/** Some jobs for so many processors, a few of which are more than there are. */
export function traceBy(dice: Dice, processors: number): Trace {
  let at = 0;
  const jobs = Array.from({ length: dice.between(1, 40) }, (_, i) => {
    at += dice.chance(0.3) ? 0 : dice.skewed(0, 200);
    const runs = dice.skewed(0, 300);
    const says = dice.chance(0.1) ? 0 : Math.ceil((runs * dice.between(8, 40)) / 10);
    const count = dice.chance(0.03) ? processors + 1 : dice.skewed(1, processors);
    const after = dice.chance(0.1) && i > 0 ? { after: { job: dice.between(0, i - 1) } } : {};
    const account = String(dice.between(1, 3));
    return past(String(i), [at, runs, says, count], { account, owner: account, ...after });
  });
  return traceOf(...jobs);
}
