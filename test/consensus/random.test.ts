import { describe, expect, it } from 'vitest';
import { play } from './random.ts';

/** As many seeds as a few seconds allow; `SWM_RAFT_SEEDS` asks for more. */
const seeds = Number(process.env['SWM_RAFT_SEEDS'] ?? 2_000);
const first = Number(process.env['SWM_RAFT_FROM'] ?? 1);

describe('heads in a bad place', () => {
  const outcomes = Array.from({ length: seeds }, (_, i) => play(first + i));

  it('keep every rule of Raft, and get well', () => {
    expect(outcomes.filter(({ broken }) => broken !== undefined)).toEqual([]);
  });

  it('had much to do', () => {
    const sum = (count: (one: (typeof outcomes)[number]) => number) =>
      outcomes.reduce((all, one) => all + count(one), 0) / outcomes.length;
    expect(sum(({ decided }) => decided)).toBeGreaterThan(20);
    expect(sum(({ terms }) => terms)).toBeGreaterThan(3);
    expect(sum(({ reads }) => reads)).toBeGreaterThan(15);
    expect(sum(({ snapshots }) => snapshots)).toBeGreaterThan(0.2);
    expect(sum(({ changes }) => changes)).toBeGreaterThan(1);
  });

  it('have the same history for the same seed', () => {
    expect(play(first)).toEqual(outcomes[0]);
  });
});
