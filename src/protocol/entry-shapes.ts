import Type, { type Static, type TSchema } from 'typebox';
import { kindsOfEntries } from './entry-kinds.ts';
import { limits } from './limits.ts';
import { count, instant, list, name, text } from './model.ts';

const record = <T extends TSchema>(value: T) =>
  Type.Record(text(limits.entryCharsMax), value, { maxProperties: limits.entryFieldsMax });

const scalar = Type.Union([text(limits.entryCharsMax), Type.Number(), Type.Boolean()]);
const simple = Type.Union([scalar, list(scalar, limits.entryItemsMax)]);
/** A field as YAML has it; what it may be is a matter of its entry's kind. */
export const FieldValue = Type.Union([simple, record(Type.Union([simple, record(simple)]))]);
export type FieldValue = Static<typeof FieldValue>;

const Fields = record(FieldValue);
/** What an entry says: by the name of each field what it is. */
export type Fields = Readonly<Record<string, FieldValue>>;

const kind = Type.Enum(kindsOfEntries);
/** A count of all changes of all entries, at the last change of this one; 0: it is not there. */
const revision = count(2 ** 52);
const maybe = <T extends TSchema>(shape: T) => Type.Union([Type.Null(), shape]);

/** What an entry is to be from now on, and as of which revision that was decided. */
export const EntryChange = Type.Object({
  kind,
  name,
  /** All of its fields; null: it goes, and what the configuration says holds again. */
  fields: maybe(Fields),
  revision,
});
export type EntryChange = Static<typeof EntryChange>;

/** Something that the configuration says, or operators, or both. */
export const EntryRow = Type.Object({
  kind,
  name: text(256),
  /** What holds. */
  fields: Fields,
  /** What operators have entered of it; null: nothing. */
  entered: maybe(Fields),
  /** What the file of the head says of it that answers; null: nothing. */
  configured: maybe(Fields),
  revision,
  /** Who changed it last, and when; '' and 0: nobody. */
  by: text(64),
  at: instant,
});
export type EntryRow = Static<typeof EntryRow>;

const changes = Type.Array(EntryChange, { minItems: 1, maxItems: limits.entriesMax });
const changed = Type.Object({
  revision,
  /** The kinds and names of what was changed, such as `account lab`. */
  of: text(limits.auditCharsMax),
});

/** What is said of entries; merged into the shapes of all messages. */
export const entryShapes = {
  'entry.list': {
    body: Type.Object({ kind: Type.Optional(kind) }),
    /** In the order of kinds and names. */
    reply: Type.Object({ entries: list(EntryRow, 2 * limits.entriesMax) }),
  },
  'entry.check': { body: Type.Object({ changes }), reply: Type.Object({}) },
  'entry.change': { body: Type.Object({ changes }), reply: changed },
  'entry.put': {
    body: Type.Object({ changes, seen: revision }),
    reply: changed,
  },
  'account.look': { body: Type.Object({ account: text(256) }), reply: Type.Object({}) },
} as const;
