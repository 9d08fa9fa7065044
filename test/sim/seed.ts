import { Day } from './cloud/day.ts';
import { Violation } from './world.ts';

/** What came of a seed: `invariant` is '' where all held. */
export type Result = {
  readonly seed: number;
  readonly invariant: string;
  readonly text: string;
  /** Milliseconds of the day's own time. */
  readonly at: number;
  readonly hash: string;
  readonly story: readonly string[];
};

/** Lives the day of a seed. The same seed is the same day, to the last line of its story. */
export async function live(seed: number): Promise<Result> {
  const day = new Day(seed);
  const result = (invariant: string, text: string, at: number): Result => {
    const { hash, story } = day.world;
    return { seed, invariant, text, at, hash, story };
  };
  try {
    await day.live();
    return result('', '', day.world.time);
  } catch (error) {
    if (error instanceof Violation)
      return result(error.invariant.replaceAll(' ', '-'), error.message, error.at);
    return result('threw', error instanceof Error ? (error.stack ?? '') : '', day.world.time);
  }
}
