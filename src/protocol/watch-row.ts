import { Malformed } from './errors.ts';
import { limits } from './limits.ts';
import { plainPacking } from './wire/packing.ts';

/** What a terminal can watch. */
export type Watched = 'jobs' | 'nodes' | 'clusters';

/**
 * A line of a watch: how one thing is now, or that it is no more. First come all that are there,
 * then `key` is '' once, then the changes. A thing that changes fast may skip what it was between;
 * the revision never goes back.
 */
export type WatchRow = {
  readonly revision: number;
  readonly key: string;
  readonly row: object | null;
};

const packing = plainPacking();
const headBytes = 4;

/** A row with its length in front, in four bytes, the highest first. */
export function encodeWatchRow(row: WatchRow): Uint8Array {
  const packed = packing.pack([row.revision, row.key, row.row]);
  const bytes = new Uint8Array(headBytes + packed.length);
  new DataView(bytes.buffer).setUint32(0, packed.length);
  bytes.set(packed, headBytes);
  return bytes;
}

/** Puts rows together again from the pieces that they arrive in. Throws only `Malformed`. */
export function watchRows(): (piece: Uint8Array) => readonly WatchRow[] {
  let kept = new Uint8Array(0);
  return (piece) => {
    const bytes = joined(kept, piece);
    const rows: WatchRow[] = [];
    let at = 0;
    for (let length = lengthAt(bytes, at); length !== undefined; length = lengthAt(bytes, at)) {
      const from = at + headBytes;
      if (bytes.length < from + length) break;
      rows.push(rowOf(packing.unpack(bytes.subarray(from, from + length))));
      at = from + length;
    }
    kept = bytes.slice(at);
    return rows;
  };
}

function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length < at + headBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
  if (length > limits.frameBytesMax)
    throw new Malformed('$', `a row of at most ${limits.frameBytesMax} bytes`);
  return length;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function rowOf(value: unknown): WatchRow {
  const [revision, key, row] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!Number.isSafeInteger(revision) || typeof key !== 'string' || typeof row !== 'object')
    throw new Malformed('$', 'a row of a watch');
  return { revision: revision as number, key, row };
}
