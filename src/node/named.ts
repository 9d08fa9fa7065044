import { setImmediate as turn } from 'node:timers/promises';
import type { Kept } from '../platform/blobs.ts';
import { limits } from '../protocol/limits.ts';
import type { Records } from '../runtime/ports.ts';

/**
 * Reads all records, a page at a time, for every sum that is in any of them, whatever it is the
 * sum of there: a field that is new to this place is not overlooked. Now and then one is taken for
 * named that is not, and never the other way round.
 */
export async function namedIn(stores: readonly Records[]): Promise<Kept> {
  const named = new Sums();
  for (const store of stores) {
    for (let from = FIRST; ; ) {
      const rows = store.range({ from, to: LAST, limit: limits.sweepPageMax });
      for (const [, bytes] of rows) addAll(named, bytes);
      const last = rows.at(-1);
      if (last === undefined || rows.length < limits.sweepPageMax) break;
      from = `${last[0]}\u0000`;
      await turn();
    }
  }
  return named;
}

/** Records lie below these keys, indexes elsewhere. */
const FIRST = 'r';
const LAST = 's';

/** A text of 64 characters as it is packed: its kind and length, and then itself. */
const SUM = /\xd9@([0-9a-f]{64})/g;

function addAll(named: Sums, bytes: Uint8Array): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  for (const [, sha256 = ''] of text.matchAll(SUM)) named.add(sha256);
}

const BITS = 26;

/**
 * Sums in 8 MiB, however many: each sets four bits, that are chance already. Of two million, one in
 * a hundred and sixty that were never added is taken for one that was.
 */
class Sums implements Kept {
  readonly #bits = new Uint8Array(2 ** (BITS - 3));

  add(sha256: string): void {
    for (const at of places(sha256)) this.#bits[at >>> 3]! |= 1 << (at & 7);
  }

  has(sha256: string): boolean {
    return places(sha256).every((at) => ((this.#bits[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0);
  }
}

const places = (sha256: string): readonly number[] =>
  [0, 8, 16, 24].map((at) => Number.parseInt(sha256.slice(at, at + 8), 16) >>> (32 - BITS));
