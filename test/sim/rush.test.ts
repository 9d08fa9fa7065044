import { expect, it } from 'vitest';
import { live } from './seed.ts';

const LIVES = 2_000;

it(`${LIVES} clusters come and go at the worst of sites`, { timeout: 300_000 }, async () => {
  const failed: string[] = [];
  let lives = 0;
  for (let seed = 1; lives < LIVES && failed.length < 3; seed++) {
    const { invariant, text, at, story, lives: lived } = await live(seed, 'rush');
    lives += lived;
    if (invariant === '') continue;
    const tail = failed.length === 0 ? `\n${story.slice(-30).join('\n')}` : '';
    failed.push(`seed=${seed} at=${at} ${text}${tail}`);
  }
  expect(failed).toEqual([]);
});

it('has one history for one seed', async () => {
  const [first, again] = [await live(3, 'rush'), await live(3, 'rush')];
  expect(again.hash).toBe(first.hash);
});
