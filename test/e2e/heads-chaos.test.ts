import { describe, expect, it } from 'vitest';
import { chaos } from '../chaos/chaos.ts';
import type { FaultName } from '../chaos/faults.ts';

const faults: readonly FaultName[] = [
  'leader killed',
  'worker killed',
  'leader in the dark',
  'leader stopped',
  'all heads killed',
];

describe('heads and workers that are killed, stopped and cut off', { timeout: 120_000 }, () => {
  it('keep all that they promised to clients that go on meanwhile', async () => {
    const story: string[] = [];
    const note = (text: string): void => void story.push(text);
    const rounds = faults.length;
    const { acked, verdict, pauses } = await chaos({ rounds, seed: 1, faults, note });
    // A node that is lost just as it is proposed is refused: that attempt was never begun.
    const { recounted: _, ...kept } = verdict;
    const none = { lost: [], doubled: [], disturbed: [], wrong: [] };
    expect(kept, story.join('\n')).toEqual(none);
    expect(acked).toBeGreaterThanOrEqual(20 * rounds);
    expect(pauses.map(({ fault }) => fault)).toEqual(faults.filter((name) => /^leader/.test(name)));
  });
});
