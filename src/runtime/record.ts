import type { Keeping } from './family.ts';
import type { Change, Records } from './ports.ts';

const END = '\u{10FFFF}';

/** Records lie under `r`, and the keys of the indexes under `i`. */
const recordKey = (path: string, part: string): string => `r${path}#${part}`;
const indexKey = (key: string, path: string): string => `i${key}#${path}`;

/** A state as it was last saved: what the next save is compared with. */
export type Kept = {
  readonly parts: Readonly<Record<string, unknown>>;
  readonly index: readonly string[];
};

export const NOTHING_KEPT: Kept = { parts: {}, index: [] };

/**
 * Reads a record, or gives undefined where there is none. `below`: only the parts whose names sort
 * before that, for a look at a record that is long.
 */
export function load<S>(
  store: Records,
  keeping: Keeping<S>,
  path: string,
  below = END,
): { readonly state: S; readonly kept: Kept } | undefined {
  const prefix = recordKey(path, '');
  const rows = store.range({ from: prefix, to: prefix + below, limit: Number.MAX_SAFE_INTEGER });
  if (rows.length === 0) return undefined;
  const decoded: Record<string, unknown> = {};
  for (const [key, bytes] of rows) {
    const part = key.slice(prefix.length);
    decoded[part] = keeping.decode(part, bytes);
  }
  const state = keeping.join(decoded);
  return { state, kept: { parts: keeping.split(state), index: keeping.index(state, path) } };
}

/** Reads one part of a record, or gives undefined where there is none. */
export function loadPart<S>(
  store: Records,
  keeping: Keeping<S>,
  path: string,
  part: string,
): unknown {
  const bytes = store.get(recordKey(path, part));
  return bytes === undefined ? undefined : keeping.decode(part, bytes);
}

/** Whether a record is kept under a path, without reading it. */
export function isKept(store: Records, path: string): boolean {
  const prefix = recordKey(path, '');
  return store.range({ from: prefix, to: prefix + END, limit: 1 }).length > 0;
}

/** What a save must write: parts whose identity changed, and index keys that came or went. */
export function changes<S>(
  keeping: Keeping<S>,
  path: string,
  kept: Kept,
  state: S,
): { readonly changes: readonly Change[]; readonly kept: Kept } {
  const parts = keeping.split(state);
  const index = keeping.index(state, path);
  const out: Change[] = [];
  for (const part in parts)
    if (parts[part] !== kept.parts[part])
      out.push({ key: recordKey(path, part), value: keeping.encode(part, parts[part]) });
  for (const part in kept.parts)
    if (!(part in parts)) out.push({ key: recordKey(path, part), value: undefined });
  const [had, has] = [among(kept.index), among(index)];
  for (const key of index)
    if (!had(key)) out.push({ key: indexKey(key, path), value: new Uint8Array(0) });
  for (const key of kept.index)
    if (!has(key)) out.push({ key: indexKey(key, path), value: undefined });
  return { changes: out, kept: { parts, index } };
}

/** The paths of all records below another path: of kinds of which there are few. */
export function pathsBelow(store: Records, above: string): readonly string[] {
  const from = `r${above}/`;
  const rows = store.range({ from, to: from + END, limit: Number.MAX_SAFE_INTEGER });
  return [...new Set(rows.map(([key]) => key.slice(1, key.lastIndexOf('#'))))];
}

/** Nearly all lists are short, and searched faster than hashed. */
function among(keys: readonly string[]): (key: string) => boolean {
  if (keys.length < 32) return (key) => keys.includes(key);
  const set = new Set(keys);
  return (key) => set.has(key);
}

export type IndexPage = {
  readonly paths: readonly string[];
  /** Where the next page begins; '' after the last. */
  readonly next: string;
};

/**
 * The paths found under index keys that begin with `prefix`, in the order of the keys. `after` is
 * the `next` of the page before; keys from `below` on are left out.
 */
export function find(
  store: Records,
  prefix: string,
  limit: number,
  after = '',
  below = `${prefix}${END}`,
): IndexPage {
  const from = after === '' ? `i${prefix}` : `${after}\u0000`;
  const rows = store.range({ from, to: `i${below}`, limit });
  const paths = rows.map(([key]) => key.slice(key.indexOf('#') + 1));
  return { paths, next: rows.length < limit ? '' : (rows.at(-1)?.[0] ?? '') };
}

/** The path of the record that a key belongs to; undefined for a key of an index. */
export const pathOfKey = (key: string): string | undefined =>
  key.startsWith('r') ? key.slice(1, key.lastIndexOf('#')) : undefined;
