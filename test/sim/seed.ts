import { Day } from './cloud/day.ts';
import { Rush } from './cloud/rush.ts';
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
  /** Lives of clusters that were counted. */
  readonly lives: number;
};

export type Kind = 'day' | 'rush';

/** Lives the day of a seed, or its rush: the same to the last line of its story, each time. */
export async function live(seed: number, kind: Kind = 'day'): Promise<Result> {
  const day = kind === 'day' ? new Day(seed) : new Rush(seed);
  const result = (invariant: string, text: string, at: number): Result => {
    const { hash, story } = day.world;
    const lives = day instanceof Rush ? day.lives.size : 0;
    return { seed, invariant, text, at, hash, story, lives };
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
