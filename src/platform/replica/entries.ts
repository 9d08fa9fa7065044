import type { Entry, EntryKind, Members } from '../../consensus/model.ts';
import { Malformed } from '../../protocol/errors.ts';
import type { Change } from '../../runtime/ports.ts';

/** What is neither the index nor the bytes: version, kind, and term and time as 64-bit numbers. */
const HEADER = 18;
const VERSION = 1;
const kinds: readonly EntryKind[] = ['start', 'batch', 'members'];
/** In the place of a value's length: the key is deleted. */
const DELETED = 0xffff_ffff;

/** An entry as it lies in the log and travels to other heads; its index goes beside it. */
export function encodeEntry({ term, kind, at, bytes }: Entry): Uint8Array {
  const encoded = Buffer.allocUnsafeSlow(HEADER + bytes.length);
  encoded[0] = VERSION;
  encoded[1] = kinds.indexOf(kind);
  encoded.writeDoubleBE(term, 2);
  encoded.writeDoubleBE(at, 10);
  encoded.set(bytes, HEADER);
  return encoded;
}

/** Throws `Malformed` for what `encodeEntry` did not make. */
export function decodeEntry(index: number, encoded: Uint8Array): Entry {
  const all = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const kind = all.length >= HEADER && all[0] === VERSION ? kinds[all[1]!] : undefined;
  if (kind === undefined) throw new Malformed(`entry ${index}`, 'its header is unknown');
  const term = all.readDoubleBE(2);
  const at = all.readDoubleBE(10);
  if (!Number.isSafeInteger(term) || term < 0 || !Number.isSafeInteger(at) || at < 0)
    throw new Malformed(`entry ${index}`, 'its term or time is no number');
  return {
    index,
    term,
    kind,
    at,
    bytes: new Uint8Array(all.buffer, all.byteOffset + HEADER, all.length - HEADER),
  };
}

/** Bytes that an entry takes on the disk and on the wire. */
export const entryBytes = (entry: Entry): number => HEADER + entry.bytes.length;

/** The bytes of a `batch` entry: length and bytes of each key, then of its value. */
export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const keys = changes.map(({ key }) => Buffer.from(key, 'utf8'));
  const total = changes.reduce(
    (sum, { value }, n) => sum + 8 + keys[n]!.length + (value?.length ?? 0),
    1,
  );
  const bytes = Buffer.allocUnsafeSlow(total);
  let at = bytes.writeUInt8(VERSION, 0);
  changes.forEach(({ value }, n) => {
    const key = keys[n]!;
    at = bytes.writeUInt32BE(key.length, at);
    bytes.set(key, at);
    at = bytes.writeUInt32BE(value === undefined ? DELETED : value.length, at + key.length);
    if (value !== undefined) bytes.set(value, at);
    at += value?.length ?? 0;
  });
  return new Uint8Array(bytes.buffer, 0, total);
}

/** Throws `Malformed` for what `encodeChanges` did not make. Values are views of `bytes`. */
export function decodeChanges(bytes: Uint8Array): readonly Change[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all[0] !== VERSION) throw new Malformed('batch', 'its version is unknown');
  const changes: Change[] = [];
  let at = 1;
  const length = (): number => {
    if (at + 4 > all.length) throw new Malformed('batch', 'it is cut off');
    at += 4;
    return all.readUInt32BE(at - 4);
  };
  const part = (size: number): Buffer => {
    if (at + size > all.length) throw new Malformed('batch', 'it is cut off');
    at += size;
    return all.subarray(at - size, at);
  };
  while (at < all.length) {
    const key = part(length()).toString('utf8');
    const size = length();
    changes.push({ key, value: size === DELETED ? undefined : part(size) });
  }
  return changes;
}

/** The bytes of a `members` entry. */
export const encodeMembers = ({ voters, learners }: Members): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ voters, learners }));

/** Throws `Malformed` for what `encodeMembers` did not make. */
export function decodeMembers(bytes: Uint8Array): Members {
  try {
    const found: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (isMembers(found)) return { voters: found.voters, learners: found.learners };
  } catch {
    // Told below, with what was wanted.
  }
  throw new Malformed('members', 'lists of voters and learners');
}

/** Whether a value that was read is a group. */
export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' &&
  value !== null &&
  isNames((value as Members).voters) &&
  isNames((value as Members).learners);

const isNames = (list: unknown): boolean =>
  Array.isArray(list) && list.every((name) => typeof name === 'string' && name !== '');
