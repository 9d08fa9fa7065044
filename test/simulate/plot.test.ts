import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plotOf } from '../../src/simulate/plot.ts';
import { nestingOf } from './xml.ts';

const progress = (utilisation: readonly number[], queue: readonly number[]) => ({
  ...{ from: 0, stepMs: 3_600_000, utilisation, queue },
});

describe('a picture of a replay', () => {
  const text = plotOf('a <week> & more', [
    { name: 'first', progress: progress([0, 0.5, 1], [0, 3, 12]) },
    { name: 'second', progress: progress([1, 1, 1], [1, 1, 1]) },
  ]);

  it('is XML that says what it shows', () => {
    expect(nestingOf(text)).toBe('');
    for (const words of ['a &lt;week&gt; &amp; more', 'processors in use, %', 'jobs that wait'])
      expect(text).toContain(words);
    expect(text).toContain('hours since the first job came');
    for (const name of ['first', 'second']) expect(text).toContain(`>${name}</text>`);
  });

  it('has a line for each policy in each chart, which differ also in their dashes', () => {
    const lines = [...text.matchAll(/<polyline [^>]*stroke="(\S+)" stroke-dasharray="([^"]+)"/g)];
    expect(lines.map(([, colour]) => colour)).toEqual(['#0072b2', '#d55e00', '#0072b2', '#d55e00']);
    expect(new Set(lines.map(([, , dash]) => dash)).size).toBe(2);
  });

  it('has its lines where the numbers say', () => {
    const [, points = ''] = /<polyline [^>]*points="([^"]+)"/.exec(text) ?? [];
    const [low = [], half = [], high = []] = points
      .split(' ')
      .map((at) => at.split(',').map(Number));
    expect(low[0]! < half[0]! && half[0]! < high[0]!).toBe(true);
    // None used is at the bottom, all at the top, a half between them.
    expect((low[1]! + high[1]!) / 2).toBeCloseTo(half[1]!, 6);
    expect(low[1]! - high[1]!).toBe(190);
  });

  it('is XML whatever there is to draw', () => {
    const some = fc.double({ min: 0, max: 1e6, noNaN: true });
    const curve = fc.record({
      name: fc.string({ unit: 'binary' }),
      values: fc.array(some, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.array(curve, { maxLength: 9 }),
        (title, all) => {
          const curves = all.map(({ name, values }) => ({
            name,
            progress: progress(values, values),
          }));
          const drawn = plotOf(title, curves);
          expect(nestingOf(drawn)).toBe('');
          expect(drawn).not.toContain('NaN');
        },
      ),
      { numRuns: 30 },
    );
  });
});
