import { describe, expect, it } from 'vitest';
import { Heap } from './heap.ts';
import { type Mistake, toyDay } from './toys.ts';
import { Violation } from './world.ts';

/** The first seed on which the mistake was found out, and as what. */
async function caught(mistake: Mistake): Promise<{ seed: number; invariant: string } | undefined> {
  for (let seed = 1; seed <= 40; seed++) {
    try {
      await toyDay(seed, mistake);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { seed, invariant: error.invariant };
    }
  }
  return undefined;
}

describe('the world', () => {
  it('finds nothing wrong with a toy that is right', async () => {
    for (let seed = 1; seed <= 20; seed++) await toyDay(seed);
  });

  it.each([
    ['timeouts count', 'acknowledged is saved'],
    ['mutates', 'nothing throws'],
    ['impure', 'a machine is pure'],
    ['asks once', 'it goes on'],
  ] as const)('finds out one that %s', async (mistake, invariant) => {
    expect((await caught(mistake))?.invariant).toBe(invariant);
  });

  it('has one history for one seed, and another for another', async () => {
    const hashes = await Promise.all([7, 7, 8].map(async (seed) => (await toyDay(seed)).hash));
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });
});

describe('its queue', () => {
  it('gives the smallest first, whatever the order of its coming', () => {
    const heap = new Heap<number>((a, b) => a - b);
    let x = 7;
    const all = Array.from({ length: 1_000 }, () => {
      x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
      return x % 500;
    });
    for (const n of all) heap.push(n);
    expect(all.map(() => heap.pop())).toEqual(all.toSorted((a, b) => a - b));
    expect([heap.size, heap.pop()]).toEqual([0, undefined]);
  });
});
