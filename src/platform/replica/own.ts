import type { Database } from 'lmdb';
import type { Entry, Kept, Position } from '../../consensus/model.ts';
import { Malformed } from '../../protocol/errors.ts';
import { corrupt, type Environment, termOf } from '../store-files.ts';
import { decodeEntry, isMembers } from './entries.ts';
import { termAt } from './kept.ts';

/** The log of a replica: entries by their index in eight bytes, so that they lie in order. */
export type Log = Database<Uint8Array, Uint8Array>;

/** The format of a replica's files: that of a node's own store, with a log and a place in it. */
export const REPLICA_FORMAT = 2;

export const openLog = ({ root }: Environment): Log =>
  root.openDB<Uint8Array, Uint8Array>('log', { encoding: 'binary', keyEncoding: 'binary' });

export function logKey(index: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(index / 2 ** 32), 0);
  key.writeUInt32BE(index >>> 0, 4);
  return key;
}

const indexOf = (key: Uint8Array): number => {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
};

/** Puts what changed since `before` into the transaction that gathers now. */
export function putKept({ own }: Environment, kept: Kept, before?: Kept): Promise<unknown> {
  const { hard, base, applied, last, terms, members } = kept;
  if (terms !== before?.terms) void own.put('terms', JSON.stringify(terms));
  if (members !== before?.members) void own.put('members', JSON.stringify(members));
  return own.put('state', JSON.stringify({ hard, base, applied, last }));
}

/**
 * Reads what a replica keeps besides its records. A store of the former format is a group of one:
 * its records are all that was agreed on, at a position that no empty head has, so that one that
 * is added later is sent them all. Throws `Failed` if log and state contradict each other.
 */
export function readKept(env: Environment, log: Log, self: string): Kept {
  const { own, directory } = env;
  const state = own.get('state');
  if (state === undefined) return formerKept(env, self);
  try {
    const { hard, base, applied, last } = JSON.parse(state) as Kept;
    const terms = JSON.parse(own.get('terms') ?? '') as Kept['terms'];
    const members = JSON.parse(own.get('members') ?? '') as Kept['members'];
    const kept = { hard, base, applied, last, terms, members };
    const wrong = isKept(kept) ? contradiction(log, kept) : 'its state is no state of a head';
    if (wrong === undefined) return kept;
    throw corrupt(directory, wrong);
  } catch (error) {
    if (error instanceof SyntaxError) throw corrupt(directory, 'its state cannot be read');
    if (error instanceof Malformed) throw corrupt(directory, error.message);
    throw error;
  }
}

function formerKept(env: Environment, self: string): Kept {
  const term = termOf(env);
  const place = { index: 1, term };
  return {
    hard: { term, vote: '' },
    base: place,
    terms: [],
    last: 1,
    applied: { ...place, at: 0 },
    members: [{ voters: [self], learners: [], index: 1 }],
  };
}

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isPosition = (value: Position | undefined): boolean =>
  isIndex(value?.index) && isIndex(value?.term);

function isKept({ hard, base, applied, last, terms, members }: Kept): boolean {
  if (!isIndex(hard?.term) || typeof hard.vote !== 'string' || !isIndex(last)) return false;
  if (!isPosition(base) || !isPosition(applied) || !isIndex(applied.at)) return false;
  if (base.index > applied.index || applied.index > last) return false;
  if (!Array.isArray(terms) || !terms.every(isPosition)) return false;
  if (terms.some((run, n) => n > 0 && run.index <= terms[n - 1]!.index)) return false;
  if ((terms[0]?.index ?? base.index + 1) !== base.index + 1) return false;
  if ((terms.at(-1)?.index ?? last) > last || (terms.length === 0) !== (base.index === last))
    return false;
  return (
    Array.isArray(members) &&
    members.length > 0 &&
    members.every((group) => isIndex(group?.index) && isMembers(group)) &&
    members[0]!.index <= applied.index
  );
}

/** Looks at both ends of the log and at how many entries it has: so it has no holes either. */
function contradiction(log: Log, kept: Kept): string | undefined {
  const { base, last } = kept;
  const end = logKey(last + 1);
  const count = (log.getStats() as { entryCount: number }).entryCount - tailOf(log, last).length;
  if (last === base.index)
    return count === 0 ? undefined : `its log has ${count} entries, and should have none`;
  const [first] = [...log.getKeys({ end, limit: 1 })].map(indexOf);
  const before = { start: end, exclusiveStart: true, reverse: true, limit: 1 };
  const [final] = [...log.getKeys(before)].map(indexOf);
  if (first !== base.index + 1 || final !== last || count !== last - base.index)
    return (
      `its log has ${count} entries from ${first} to ${final}, ` +
      `and should reach from ${base.index + 1} to ${last}`
    );
  const { term } = entryAt(log, last);
  return term === termAt(kept, last) ? undefined : `entry ${last} has term ${term}`;
}

const tailOf = (log: Log, last: number): readonly Uint8Array[] =>
  [...log.getKeys({ start: logKey(last + 1) })].map((key) => Buffer.from(key));

function entryAt(log: Log, index: number): Entry {
  const bytes = log.getBinary(logKey(index));
  if (bytes === undefined) throw new Malformed(`entry ${index}`, 'it is not there');
  return decodeEntry(index, bytes);
}

/**
 * Removes what lies behind the end of the log, in the transaction that gathers now: nobody was told
 * that it is there.
 */
export function dropTail(log: Log, last: number): void {
  for (const key of tailOf(log, last)) void log.remove(key);
}
