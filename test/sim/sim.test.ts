import { describe, expect, it } from 'vitest';
import { live } from './seed.ts';

const SEEDS = 200;

describe('swm on bad days', () => {
  it(`keeps all that it promises (seeds 1 to ${SEEDS})`, { timeout: 300_000 }, async () => {
    const failed: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { invariant, text, at, story } = await live(seed);
      if (invariant === '') continue;
      // One story is enough to begin with; the seeds tell the others.
      const tail = failed.length === 0 ? `\n${story.slice(-30).join('\n')}` : '';
      failed.push(`seed=${seed} at=${at} ${text}${tail}`);
    }
    expect(failed).toEqual([]);
  });

  it('has one history for one seed', async () => {
    const [first, again, other] = [await live(3), await live(3), await live(4)];
    expect(again.hash).toBe(first.hash);
    expect(again.story).toEqual(first.story);
    expect(other.hash).not.toBe(first.hash);
  });
});
