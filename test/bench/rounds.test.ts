import { describe, expect, it } from 'vitest';
import { type Bench, compare, median, percentile, table } from '../../bench/rounds.ts';

/** Two sides that write down when they ran; the first round of each is far off. */
function scripted(order: string[]): Bench {
  const side = (name: string, values: readonly number[]) => {
    let turn = 0;
    return {
      name,
      run: () => {
        order.push(name);
        return { rate: values[turn++]! };
      },
    };
  };
  return {
    name: 'scripted',
    units: { rate: '1/s' },
    setup: 'none',
    ours: side('ours', [9_999, 10, 30, 20, 50, 40]),
    beside: side('floor', [9_999, 60, 60, 60, 60, 60]),
  };
}

describe('rounds', () => {
  it('take turns at being first, and drop the first round', async () => {
    const order: string[] = [];
    const lines = await compare(scripted(order));
    expect(order.join(' ')).toBe(
      'ours floor floor ours ours floor floor ours ours floor floor ours',
    );
    expect(lines).toEqual([
      {
        bench: 'scripted',
        metric: 'rate',
        unit: '1/s',
        ours: 30,
        beside: 60,
        besideName: 'floor',
        ratio: 0.5,
        runs: 5,
      },
    ]);
    expect(table(lines)[1]).toMatch(/^rate +1\/s +30\.00 +60\.00 +0\.50 +5 +floor/);
  });

  it('are never fewer than five, and a metric that is not measured is an error', async () => {
    const bench = { ...scripted([]), runs: 1 };
    expect((await compare(bench))[0]!.runs).toBe(5);
    await expect(compare({ ...scripted([]), units: { other: 's' } })).rejects.toThrow('other');
  });

  it('know medians and percentiles', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(percentile([5, 1, 4, 2, 3], 0.99)).toBe(5);
    expect(percentile([7], 0)).toBe(7);
  });
});
