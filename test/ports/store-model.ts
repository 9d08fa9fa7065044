import fc from 'fast-check';
import { expect } from 'vitest';
import type { Outcome, Range, Store } from '../../src/runtime/ports.ts';

type Written = { readonly key: string; readonly value: Uint8Array | null };

const key = fc.string({
  minLength: 1,
  maxLength: 3,
  unit: fc.constantFrom('a', 'b', '/', 'ß', '\uff5e', '\u{1f600}'),
});
const written = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 8 })) });
const batches = fc.array(fc.array(written, { maxLength: 6 }), { maxLength: 4 });
const query = fc.record({ from: key, to: key, limit: fc.nat(6), reverse: fc.boolean() });
const queries = fc.array(query, { maxLength: 4 });

/** Commits random batches, and asks random ranges of the store and of a map told the same. */
export async function agreesWithMap(storeNow: () => Store): Promise<void> {
  const model = new Map<string, Uint8Array>();
  const play = async (given: Written[][], asked: Required<Range>[]): Promise<void> => {
    const store = storeNow();
    for (const { key, value } of given.flat()) {
      if (value === null) model.delete(key);
      else model.set(key, value);
    }
    const outcomes = given.map(
      (batch) =>
        new Promise<Outcome>((resolve) => {
          const changes = batch.map(({ key, value }) => ({ key, value: value ?? undefined }));
          store.commit(changes, resolve);
        }),
    );
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(given.map(() => 'committed')));
    for (const range of asked) expect(shown(store.range(range))).toEqual(expected(model, range));
  };
  await fc.assert(fc.asyncProperty(batches, queries, play), { numRuns: 60, seed: 7 });
}

const shown = (rows: readonly (readonly [string, Uint8Array])[]): string[] =>
  rows.map(([key, value]) => `${key}=${Buffer.from(value).toString('hex')}`);

function expected(model: ReadonlyMap<string, Uint8Array>, range: Required<Range>): string[] {
  const { from, to, limit, reverse } = range;
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const rows = [...model]
    .filter(([key]) => compare(from, key) <= 0 && compare(key, to) < 0)
    .toSorted(([a], [b]) => compare(a, b));
  return shown((reverse ? rows.toReversed() : rows).slice(0, limit));
}
