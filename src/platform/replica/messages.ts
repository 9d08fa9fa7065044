import type { Append, Heading, Message } from '../../consensus/messages.ts';
import type { Entry } from '../../consensus/model.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeEntry, decodeMembers, encodeEntry } from './entries.ts';
import type { Snapshot } from './ports.ts';
import type { Tail } from './tail.ts';

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
 * Sends what an append of the core says, as several where it would be too large. It ends early if
 * one is not taken, or if entries are not kept any more: the core hears that they did not come.
 */
export function sendAppend(append: Append, tail: Tail, send: (full: FullAppend) => boolean): void {
  if (append.upTo === append.prev.index) {
    send({ ...append, entries: [] });
    return;
  }
  const { raftAppendBytesMax: bytesMax } = limits;
  let { prev } = append;
  while (prev.index < append.upTo) {
    const found = tail.read(prev.index + 1, append.upTo, bytesMax);
    const last = found.at(-1);
    if (last === undefined || found[0]!.index !== prev.index + 1) return;
    if (!send({ ...append, prev, upTo: last.index, entries: found.map(encodeEntry) })) return;
    prev = { index: last.index, term: last.term };
  }
}

/** The entries of an append that came in. Throws `Malformed`. */
export const entriesOf = ({ prev, entries }: FullAppend): readonly (Entry & Heading)[] =>
  entries.map((bytes, n) => {
    const entry = decodeEntry(prev.index + 1 + n, bytes);
    return entry.kind === 'members' ? { ...entry, members: decodeMembers(entry.bytes) } : entry;
  });
