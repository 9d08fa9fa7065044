import { limits } from '../../protocol/limits.ts';
import { decodeRecord, encodeRecord, type RecordKind } from '../../protocol/records.ts';
import type { Shift, Tally, Tasks } from './array.ts';
import type { Runs } from './runs.ts';

/**
 * The tasks of an array, as parts of its job's record: a save writes the chunks that changed. What
 * a list of jobs shows is in the first of them; the others come behind it, as their names sort.
 */

const TALLY = 'tally';
export const REST = '~';
const CHUNK = `${REST}tasks.`;
const SHIFTS = `${REST}shifts.`;

type Head = { readonly total: number; readonly tally: Tally };
const head: RecordKind<Head> = { kind: 'tasks', version: 1, fields: ['total', 'tally'] };

type Row = { readonly shifts: readonly Shift[] };
const row: RecordKind<Row> = { kind: 'shifts', version: 1, fields: ['shifts'] };

type Chunk = { readonly runs: Runs };
const chunk: RecordKind<Chunk> = { kind: 'chunk', version: 1, fields: ['runs'] };

/** Of a state that is changed always a new value, and else the same: a save compares them. */
const heads = new WeakMap<Tally, Head>();

export function splitTasks({ total, tally, chunks, shifts }: Tasks): Record<string, unknown> {
  const known = heads.get(tally) ?? { total, tally };
  heads.set(tally, known);
  const parts: Record<string, unknown> = { [TALLY]: known };
  for (const [at, runs] of chunks.entries()) if (runs !== null) parts[CHUNK + padded(at)] = runs;
  for (const [at, some] of shifts.entries()) parts[SHIFTS + padded(at)] = some;
  return parts;
}

const padded = (at: number): string => String(at).padStart(6, '0');

export const isOfTasks = (part: string): boolean => part === TALLY || part.startsWith(REST);

/** Undefined: it is no array. */
export function joinTasks(parts: Readonly<Record<string, unknown>>): Tasks | undefined {
  const known = parts[TALLY] as Head | undefined;
  if (known === undefined) return undefined;
  heads.set(known.tally, known);
  const chunks: (Runs | null)[] = Array.from(
    { length: Math.ceil(known.total / limits.arrayChunk) },
    () => null,
  );
  const shifts: (readonly Shift[])[] = [];
  for (const [part, value] of Object.entries(parts)) {
    if (part.startsWith(CHUNK)) chunks[Number(part.slice(CHUNK.length))] = value as Runs;
    if (part.startsWith(SHIFTS)) shifts[Number(part.slice(SHIFTS.length))] = value as Shift[];
  }
  return { ...known, chunks, shifts };
}

export function encodeTasks(part: string, value: unknown): Uint8Array {
  if (part === TALLY) return encodeRecord(head, value as Head);
  if (part.startsWith(SHIFTS)) return encodeRecord(row, { shifts: value as readonly Shift[] });
  return encodeRecord(chunk, { runs: value as Runs });
}

export function decodeTasks(part: string, bytes: Uint8Array): unknown {
  if (part === TALLY) return decodeRecord(head, bytes);
  if (part.startsWith(SHIFTS)) return decodeRecord(row, bytes).shifts;
  return decodeRecord(chunk, bytes).runs;
}
