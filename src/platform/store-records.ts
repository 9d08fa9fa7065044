import type { Database } from 'lmdb';
import { Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Change, Range } from '../runtime/ports.ts';

/** Keys of UTF-8 bytes, and values of bytes. */
export type Records = Database<Uint8Array, Uint8Array>;

/** A change whose key was checked, as LMDB takes it. */
export type Encoded = { readonly key: Buffer; readonly value: Uint8Array | undefined };

/** Throws `Malformed` for a key that no store takes. */
export function encodeChange(change: Change): Encoded {
  checkValue(change);
  return { key: encodeKey(change.key), value: change.value };
}

/** The bytes of a change, key and value. Throws what `encodeChange` would. */
export function measureChange(change: Change): number {
  checkValue(change);
  const bytes = Buffer.byteLength(change.key, 'utf8');
  checkLength(change.key, bytes);
  return bytes + (change.value?.length ?? 0);
}

function checkValue({ key, value }: Change): void {
  if (value !== undefined && !(value instanceof Uint8Array))
    throw new TypeError(`the value of ${key} is no bytes`);
}

export function getRecord(records: Records, key: string): Uint8Array | undefined {
  const value = records.getBinary(encodeKey(key));
  return value && plain(value);
}

export function rangeOfRecords(
  records: Records,
  { from, to, limit, reverse = false }: Range,
): readonly (readonly [string, Uint8Array])[] {
  const low = from === '' ? FIRST_KEY : encodeKey(from);
  const high = to === '' ? FIRST_KEY : encodeKey(to);
  if (limit <= 0 || Buffer.compare(low, high) >= 0) return [];
  const rows = records.getRange(
    reverse
      ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse, limit }
      : { start: low, end: high, limit },
  );
  const found: (readonly [string, Uint8Array])[] = [];
  for (const { key, value } of rows) found.push([decodeKey(key), plain(value)]);
  return found;
}

/** Gives changes to LMDB; returns the last one's promise, which fails with its transaction. */
export function putRecords(
  records: Records,
  changes: readonly Encoded[],
): Promise<unknown> | undefined {
  let put: Promise<unknown> | undefined;
  for (const { key, value } of changes)
    put = value === undefined ? records.remove(key) : records.put(key, value);
  return put;
}

/** The least key there can be; LMDB knows no empty one. */
const FIRST_KEY = Buffer.from([0]);

function encodeKey(key: string): Buffer {
  const bytes = Buffer.from(key, 'utf8');
  checkLength(key, bytes.length);
  return bytes;
}

function checkLength(key: string, bytes: number): void {
  if (bytes === 0 || bytes > limits.keyBytesMax || !key.isWellFormed())
    throw new Malformed(
      'key',
      `1 to ${limits.keyBytesMax} bytes of UTF-8, not ${bytes}: ${key.slice(0, 80)}`,
    );
}

const decodeKey = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');

/** LMDB hangs properties of its own on the buffers of large values. */
export const plain = (value: Uint8Array): Uint8Array =>
  new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
