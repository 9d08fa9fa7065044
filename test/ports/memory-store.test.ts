import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/runtime/ports.ts';
import { compareKeys, MemoryDisk } from './memory-store.ts';
import { commit, put, storeSuite } from './store.suite.ts';

storeSuite('the store in memory', async () => {
  const disk = new MemoryDisk();
  return { open: async (hooks) => disk.open(hooks), clear: async () => {} };
});

/** A disk whose steps are taken by hand: each entry of `steps` is one thing that is under way. */
function byHand(kept: number) {
  const steps: (() => void)[] = [];
  const disk = new MemoryDisk({ later: (then) => steps.push(then), dice: () => kept });
  const run = (): void => {
    for (let step = steps.shift(); step; step = steps.shift()) step();
  };
  return { disk, steps, run };
}

const keys = (disk: MemoryDisk): readonly string[] => disk.between('', '\u{10ffff}');

describe('a crash of the store in memory', () => {
  it.each([0, 1, 2, 3])('leaves %i whole batches of the group in flight, and no more', (kept) => {
    const { disk, steps } = byHand(kept);
    const store = disk.open();
    const outcomes: Outcome[] = [];
    const note = (outcome: Outcome) => void outcomes.push(outcome);
    store.commit([put('a1'), put('a2')], note);
    store.commit([put('b1'), put('b2')], note);
    store.commit([put('c1'), put('c2')], note);
    steps.shift()!();
    store.commit([put('beyond')], note);
    disk.crash();
    expect(keys(disk)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'].slice(0, kept * 2));
    for (const step of steps) step();
    expect(outcomes).toEqual([]);
    expect(disk.open().term).toBe(2);
  });

  it('loses what had not yet begun, and keeps what was told', async () => {
    const { disk, steps, run } = byHand(9);
    const store = disk.open();
    let told = 0;
    store.commit([put('told')], () => told++);
    run();
    store.commit([put('lost')], () => told++);
    disk.crash();
    expect([told, keys(disk)]).toEqual([1, ['told']]);
    store.commit([put('after')], () => told++);
    for (const step of steps) step();
    expect([told, keys(disk)]).toEqual([1, ['told']]);
    expect(() => store.get('told')).toThrow(/crashed/);
  });

  it('happens within a commit when fate says so, and its runner hears of it', () => {
    const { disk, run } = byHand(1);
    let crashed = 0;
    const store = disk.open({ fate: () => 'crash', onCrash: () => crashed++ });
    const outcomes: Outcome[] = [];
    store.commit([put('a')], (outcome) => outcomes.push(outcome));
    store.commit([put('b')], (outcome) => outcomes.push(outcome));
    run();
    expect([crashed, outcomes, keys(disk)]).toEqual([1, [], ['a']]);
  });
});

describe('a disk that refuses', () => {
  it('makes the group and all later commits unknown, and says so once', () => {
    const { disk, run } = byHand(1);
    const reasons: string[] = [];
    let groups = 0;
    const store = disk.open({
      fate: () => (groups++ === 0 ? 'commit' : 'fail'),
      onBroken: ({ code }) => reasons.push(code),
    });
    const outcomes: string[] = [];
    const give = (name: string) =>
      store.commit([put(name)], (outcome) => outcomes.push(`${name} ${outcome}`));
    give('a');
    run();
    give('b');
    give('c');
    run();
    give('d');
    run();
    expect(outcomes).toEqual(['a committed', 'b unknown', 'c unknown', 'd unknown']);
    expect([reasons, keys(disk)]).toEqual([['disk_full'], ['a', 'b']]);
  });
});

it('compares keys as their bytes are', async () => {
  const words = [
    '',
    'a',
    'ab',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
    'a\u{1f600}',
  ];
  for (const a of words)
    for (const b of words)
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const store = new MemoryDisk().open();
  expect(await commit(store, put('a'))).toBe('committed');
});
