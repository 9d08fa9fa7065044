import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { shippedTraces } from '../../bin/shipped-traces.ts';
import { type Making, made } from '../../src/simulate/made.ts';

const HOUR_MS = 3_600_000;
const making: Making = {
  ...{ seed: 5, nodes: 100, cpus: 4, days: 14, load: 0.7, nodesMax: 64 },
  ...{ medianMs: 10 * 60_000, spread: 1.5 },
};

describe('a made-up trace', () => {
  const { jobs } = made(making);

  it('follows from its seed alone', () => {
    expect(made(making).jobs).toEqual(jobs);
    expect(made({ ...making, seed: 6 }).jobs).not.toEqual(jobs);
  });

  it('is as much work as was wanted, in order, on nodes that there are', () => {
    const sizes = jobs.map(({ wants }) => (wants.is === 'processors' ? wants.count / 4 : 0));
    const work = jobs.reduce((sum, { runMs }, at) => sum + runMs * sizes[at]!, 0);
    const wanted = 0.7 * 100 * 14 * 24 * HOUR_MS;
    expect(work).toBeGreaterThanOrEqual(wanted);
    // The last of them was one too many.
    expect(work - jobs.at(-1)!.runMs * 64).toBeLessThan(wanted * 1.02);
    expect(sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= 64)).toBe(true);
    expect(
      jobs.every(({ submittedAt }, at) => submittedAt >= jobs[Math.max(0, at - 1)]!.submittedAt),
    ).toBe(true);
  });

  it('has days and nights, powers of two, long tails and poor guesses, as real ones have', () => {
    const at = (from: number, to: number): number =>
      jobs.filter(({ submittedAt }) => {
        const hour = new Date(submittedAt).getUTCHours();
        return hour >= from && hour < to;
      }).length;
    expect(at(9, 17)).toBeGreaterThan(3 * at(0, 8));
    const runs = jobs.map(({ runMs }) => runMs).sort((a, b) => a - b);
    const mean = runs.reduce((sum, ms) => sum + ms, 0) / runs.length;
    expect(mean).toBeGreaterThan(1.5 * runs[runs.length >> 1]!);
    const powers = jobs.filter(
      ({ wants }) => wants.is === 'processors' && isPower(wants.count / 4),
    );
    expect(powers.length).toBeGreaterThan(0.7 * jobs.length);
    expect(jobs.every(({ runMs, walltimeMs }) => walltimeMs >= runMs)).toBe(true);
    const said = jobs.reduce((sum, { walltimeMs }) => sum + walltimeMs, 0);
    expect(said).toBeGreaterThan(1.5 * mean * jobs.length);
  });
});

const isPower = (count: number): boolean => (count & (count - 1)) === 0;

it.each(Object.entries(shippedTraces()))(
  'examples/traces/%s is what bin/traces.ts makes',
  (name, text) => {
    const bytes = readFileSync(join(import.meta.dirname, '../../examples/traces', name));
    const shipped = name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    expect(shipped.toString()).toBe(text);
  },
);
