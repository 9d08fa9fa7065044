import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Change, Outcome, Store } from '../../src/runtime/ports.ts';
import { agreesWithMap } from './store-model.ts';

export type StoreHooks = {
  readonly onBroken?: (reason: Failure) => void;
  readonly onGroup?: (batches: number) => void;
};

/** One place that stores are opened in, again and again. */
export type StorePlace = {
  open(hooks?: StoreHooks): Promise<Store>;
  clear(): Promise<void>;
};

const text = (value: Uint8Array | undefined): string | undefined =>
  value && Buffer.from(value).toString('utf8');

export const put = (key: string, value = key): Change => ({ key, value: Buffer.from(value) });
export const drop = (key: string): Change => ({ key, value: undefined });

/** Commits and waits for the outcome. */
export const commit = (store: Store, ...changes: Change[]): Promise<Outcome> =>
  new Promise((resolve) => store.commit(changes, resolve));

const keysOf = (store: Store, from = '', to = '\u{10ffff}', limit = 1_000): string[] =>
  store.range({ from, to, limit }).map(([key]) => key);

/** What every store owes its callers; run on each implementation. */
export function storeSuite(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let store: Store;

    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.clear();
    });

    const reopen = async (hooks?: StoreHooks): Promise<Store> => {
      await store.close();
      store = await place.open(hooks);
      return store;
    };

    it('tells outcomes later, once each, in the order of the calls', async () => {
      const told: string[] = [];
      let calls = true;
      const all = Array.from(
        { length: 50 },
        (_, n) =>
          new Promise<void>((resolve) => {
            store.commit(n % 7 === 3 ? [] : [put(`k${n}`)], (outcome) => {
              told.push(`${n} ${outcome} ${calls}`);
              resolve();
            });
          }),
      );
      calls = false;
      await Promise.all(all);
      await commit(store, put('last'));
      expect(told).toEqual(Array.from({ length: 50 }, (_, n) => `${n} committed false`));
    });

    it('tells of an empty batch, also when nothing else is in flight', async () => {
      expect(await commit(store)).toBe('committed');
    });

    it('applies batches in order: the last change of a key wins, in one and across', async () => {
      const both = Promise.all([
        commit(store, put('a', '1'), put('a', '2'), put('b', '1'), drop('c')),
        commit(store, drop('b'), put('c', '3'), drop('never')),
      ]);
      expect(await both).toEqual(['committed', 'committed']);
      expect([text(store.get('a')), store.get('b'), text(store.get('c'))]).toEqual([
        '2',
        undefined,
        '3',
      ]);
      await commit(store, drop('a'), put('a', '4'), put('d'), drop('d'));
      expect([text(store.get('a')), store.get('d')]).toEqual(['4', undefined]);
    });

    it('shows a change to those who are told of it, and to what they commit next', async () => {
      const seen = await new Promise((resolve) => {
        store.commit([put('a', '1')], () => {
          const first = text(store.get('a'));
          store.commit([put('a', '2')], () => resolve([first, text(store.get('a'))]));
        });
      });
      expect(seen).toEqual(['1', '2']);
    });

    it('makes one group of all that is given while a commit is in flight', async () => {
      const groups: number[] = [];
      await reopen({ onGroup: (batches) => groups.push(batches) });
      const first = commit(store, put('first'));
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      const later = Array.from({ length: 100 }, (_, n) => commit(store, put(`k${n}`)));
      await Promise.all([first, ...later]);
      expect(groups).toEqual([1, 100]);
    });

    it('makes one group of what is given in one turn, and of what outcomes lead to', async () => {
      const groups: number[] = [];
      await reopen({ onGroup: (batches) => groups.push(batches) });
      const chain = async (n: number): Promise<void> => {
        for (let step = 0; step < 5; step++) await commit(store, put(`k${n}`, `${step}`));
      };
      await Promise.all(Array.from({ length: 64 }, (_, n) => chain(n)));
      expect(groups).toEqual([64, 64, 64, 64, 64]);
    });

    it('takes large batches, large values, empty values and views of buffers', async () => {
      const big = Buffer.alloc(5 << 20, 7);
      const pooled = Buffer.from('xxhelloxx').subarray(2, 7);
      const many = Array.from({ length: 5_000 }, (_, n) => put(`many/${n}`));
      await commit(store, ...many, { key: 'big', value: big });
      await commit(
        store,
        { key: 'view', value: pooled },
        { key: 'tiny', value: new Uint8Array(0) },
      );
      await commit(store, { key: 'middle', value: big.subarray(0, 100_000) });
      expect(keysOf(store, 'many/', 'many0', 10_000)).toHaveLength(5_000);
      expect(Buffer.compare(store.get('big')!, big)).toBe(0);
      expect(store.get('middle')!.length).toBe(100_000);
      expect(text(store.get('view'))).toBe('hello');
      expect(store.get('tiny')).toHaveLength(0);
      const [row] = store.range({ from: 'big', to: 'bih', limit: 1 });
      expect(Buffer.compare(row![1], big)).toBe(0);
    });

    it('gives values that no later read or commit changes', async () => {
      await commit(store, put('a', 'one'), put('b', 'two'));
      const a = store.get('a');
      const rows = store.range({ from: 'a', to: 'c', limit: 2 });
      store.get('b');
      await commit(store, put('a', 'changed'), put('b', 'changed'));
      store.get('a');
      expect(text(a)).toBe('one');
      expect(rows.map(([key, value]) => [key, text(value)])).toEqual([
        ['a', 'one'],
        ['b', 'two'],
      ]);
    });

    it('gives ranges from inclusive to exclusive, either way, up to a limit', async () => {
      await commit(store, ...['a', 'aa', 'b', 'c', 'd', 'ab/x'].map((key) => put(key)));
      const range = (from: string, to: string, limit = 10, reverse = false): string[] =>
        store.range({ from, to, limit, reverse }).map(([key]) => key);
      expect(range('a', 'd')).toEqual(['a', 'aa', 'ab/x', 'b', 'c']);
      expect(range('aa', 'c', 2)).toEqual(['aa', 'ab/x']);
      expect(range('aa', 'c', 10, true)).toEqual(['b', 'ab/x', 'aa']);
      expect(range('aa', 'c', 2, true)).toEqual(['b', 'ab/x']);
      expect(range('b0', 'cc', 10, true)).toEqual(['c']);
      expect(range('', 'b', 10, true)).toEqual(['ab/x', 'aa', 'a']);
      expect(range('x', 'z', 10, true)).toEqual([]);
      expect(range('c', 'a')).toEqual([]);
      expect(range('a', 'a')).toEqual([]);
      expect(range('a', 'd', 0)).toEqual([]);
    });

    it('orders keys by their UTF-8 bytes, beyond the basic plane too', async () => {
      const keys = [
        'z',
        'é',
        '\u0000',
        'a\u0000b',
        'a',
        '\u{1f600}',
        '\uff5e',
        '\ue000',
        'ｱ',
        '\ud7ff',
      ];
      await commit(store, ...keys.map((key) => put(key)));
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(keysOf(store)).toEqual(sorted);
      expect(
        store.range({ from: '', to: '\u{10ffff}', limit: 99, reverse: true }).map(([k]) => k),
      ).toEqual(sorted.toReversed());
      for (const key of keys) expect(text(store.get(key))).toBe(key);
    });

    it('agrees with a sorted map on any history', () => agreesWithMap(() => store));

    it.each([
      ['empty', ''],
      ['too long', 'k'.repeat(limits.keyBytesMax + 1)],
      ['too long in UTF-8', 'é'.repeat(limits.keyBytesMax / 2 + 1)],
      ['a lone surrogate', 'a\ud800'],
    ])('refuses a key that is %s, and with it the whole batch', async (_, key) => {
      expect(() => store.commit([put('good'), put(key)], () => {})).toThrow(/bytes of UTF-8/);
      expect(() => store.get(key)).toThrow(/bytes of UTF-8/);
      await commit(store, put('other'));
      expect(keysOf(store)).toEqual(['other']);
    });

    it('takes the longest key there may be', async () => {
      const key = 'k'.repeat(limits.keyBytesMax);
      await commit(store, put(key, 'long'));
      expect(text(store.get(key))).toBe('long');
      expect(keysOf(store)).toEqual([key]);
      expect(store.range({ from: key, to: 'l', limit: 1, reverse: true })).toHaveLength(1);
    });

    it('has after a new opening what was committed, under a higher term', async () => {
      await commit(store, put('a'), put('b'));
      await commit(store, drop('b'));
      const before = store.term;
      await reopen();
      expect(keysOf(store)).toEqual(['a']);
      expect(store.term).toBe(before + 1);
    });

    it('is fenced by a new life: its commits end unknown, and it says so once', async () => {
      await commit(store, put('a', 'old'));
      const reasons: Failure[] = [];
      const old = await reopen({ onBroken: (reason) => reasons.push(reason) });
      store = await place.open();
      expect(store.term).toBe(old.term + 1);
      const outcomes: string[] = [];
      const all = ['1', '2', '3'].map(
        (value) =>
          new Promise<void>((resolve) => {
            old.commit([put('a', value)], (outcome) => {
              outcomes.push(`${value} ${outcome}`);
              resolve();
            });
          }),
      );
      await Promise.all(all);
      expect(await commit(old, put('a', 'later'))).toBe('unknown');
      expect(outcomes).toEqual(['1 unknown', '2 unknown', '3 unknown']);
      await expect.poll(() => reasons.map(({ code }) => code)).toEqual(['in_use']);
      expect(text(store.get('a'))).toBe('old');
      expect(await commit(store, put('a', 'new'))).toBe('committed');
      await old.close();
      expect(text(store.get('a'))).toBe('new');
      expect(reasons).toHaveLength(1);
    });

    it('ends what it took before it closes, and takes no more', async () => {
      const outcomes: string[] = [];
      const note = (name: string) => (outcome: Outcome) => void outcomes.push(`${name} ${outcome}`);
      store.commit([put('a')], note('a'));
      await new Promise(setImmediate);
      store.commit([put('b')], note('b'));
      const closed = store.close();
      store.commit([put('c')], note('c'));
      await closed;
      await store.close();
      expect(outcomes.toSorted()).toEqual(['a committed', 'b committed', 'c unknown']);
      expect(() => store.get('a')).toThrow(/closed/);
      expect(() => store.range({ from: 'a', to: 'b', limit: 1 })).toThrow(/closed/);
      store = await place.open();
      expect(keysOf(store)).toEqual(['a', 'b']);
    });
  });
}
