import type { Append, Heading, Message } from '../../consensus/messages.ts';
import type { Entry } from '../../consensus/model.ts';
import { decodeEntry, decodeMembers, encodeEntry, entryBytes } from './entries.ts';
import type { Snapshot } from './ports.ts';
import type { Known } from './tail.ts';

/** A snapshot that the leader of a term has for a head that is behind; its path stays at home. */
export type Offer = Omit<Snapshot, 'path'> & {
  readonly kind: 'offer';
  readonly leaderTerm: number;
};

/** An append with its entries, each as it lies in the log. */
export type FullAppend = Append & { readonly entries: readonly Uint8Array[] };

/** What heads send each other. */
export type HeadMessage = Exclude<Message, Append> | FullAppend | Offer;

/**
 * Appends that say what one of the core says, none larger than `bytesMax` or with one entry only.
 * Fewer, if the entries are not kept any more: the core then hears that they did not come.
 */
export function* fullAppends(
  append: Append,
  read: (from: number, to: number) => readonly Known[],
  bytesMax: number,
): Generator<FullAppend> {
  if (append.upTo === append.prev.index) {
    yield { ...append, entries: [] };
    return;
  }
  let { prev } = append;
  while (prev.index < append.upTo) {
    const found = fitting(read(prev.index + 1, append.upTo), bytesMax);
    const last = found.at(-1);
    if (last === undefined || found[0]!.index !== prev.index + 1) return;
    yield { ...append, prev, upTo: last.index, entries: found.map(encodeEntry) };
    prev = { index: last.index, term: last.term };
  }
}

function fitting(entries: readonly Known[], bytesMax: number): readonly Known[] {
  let bytes = 0;
  const end = entries.findIndex((entry, n) => {
    bytes += entryBytes(entry);
    return n > 0 && bytes > bytesMax;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** The entries of an append that came in. Throws `Malformed`. */
export const entriesOf = ({ prev, entries }: FullAppend): readonly (Entry & Heading)[] =>
  entries.map((bytes, n) => {
    const entry = decodeEntry(prev.index + 1 + n, bytes);
    return entry.kind === 'members' ? { ...entry, members: decodeMembers(entry.bytes) } : entry;
  });
