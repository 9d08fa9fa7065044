import { decodeRecord, encodeRecord, type RecordKind } from '../../protocol/records.ts';
import type { Keeping } from '../../runtime/family.ts';
import type { Records } from '../../runtime/ports.ts';
import { load, loadPart } from '../../runtime/record.ts';
import type { Entries, Entry } from './entries.ts';

/** There is one, under this name. */
const ENTRIES = '/entries';

const headKind: RecordKind<Pick<Entries, 'revision'>> = {
  kind: 'entries',
  version: 1,
  fields: ['revision'],
};
const entryKind: RecordKind<Entry> = {
  kind: 'entry',
  version: 1,
  fields: ['kind', 'name', 'fields', 'revision', 'by', 'at'],
};
const HEAD = 'head';

/** A part for each entry, so that a change writes what it is about. */
export const keeping: Keeping<Entries> = {
  scope: 'control',
  split: ({ revision, entries }) => (revision === 0 ? {} : { ...entries, [HEAD]: revision }),
  join: ({ [HEAD]: revision, ...entries }) => ({
    phase: 'open',
    revision: revision as number,
    entries: entries as Entries['entries'],
  }),
  encode: (part, value) =>
    part === HEAD
      ? encodeRecord(headKind, { revision: value as number })
      : encodeRecord(entryKind, value as Entry),
  decode: (part, bytes) =>
    part === HEAD ? decodeRecord(headKind, bytes).revision : decodeRecord(entryKind, bytes),
  index: () => [],
};

/** What operators have entered so far. */
export const entriesOf = (store: Records): Omit<Entries, 'phase'> =>
  load(store, keeping, ENTRIES)?.state ?? { revision: 0, entries: {} };

/** How often anything was entered: what was read at this revision is as it is now. */
export const revisionOf = (store: Records): number =>
  (loadPart(store, keeping, ENTRIES, HEAD) as number | undefined) ?? 0;
