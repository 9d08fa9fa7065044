import { misfits } from '../../protocol/entry-fields.ts';
import { kindsOfEntries } from '../../protocol/entry-kinds.ts';
import type { EntryChange, EntryRow } from '../../protocol/entry-shapes.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, type Message, message, type Reply } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { type Book, fieldsIn, type Pages, withEntries } from '../entries/book.ts';
import { type Entries, keyOf } from '../entries/entries.ts';
import { entriesOf } from '../entries/keeping.ts';
import { refuseUnknownNodes, withIds, withNames } from './entry-names.ts';
import type { People } from './users.ts';

/** What is needed to read and to judge what operators enter. */
export type Desk = {
  readonly store: Records;
  readonly people: Pick<People, 'rows'>;
  /** What the file of this head says. */
  readonly configured: Book;
  /** Throws `Failed` if a field that fits its shape cannot be what it says. */
  readonly checkBook: (book: Book) => void;
  /** Resolves once the records hold all that anybody was told before now. */
  readonly current: () => Promise<void>;
};

/** What a change of entries says to the actor that keeps them; undefined: it is another call. */
export async function entryMessage(
  desk: Desk,
  by: Who,
  asked: Message,
): Promise<Message | undefined> {
  if (asked.name !== 'entry.change') return undefined;
  if (by.door !== 'operator')
    throw new Failed('forbidden', 'only an operator can change what is entered');
  await desk.current();
  return message('entry.put', checked(desk, asked.body.changes));
}

/** Answers what is asked about entries; undefined: it is another call. */
export function readEntries(desk: Desk, asked: Message): object | undefined {
  switch (asked.name) {
    case 'entry.list':
      return { entries: rows(desk, asked.body) } satisfies Reply<'entry.list'>;
    case 'entry.check':
      checked(desk, asked.body.changes);
      return {};
    default:
      return undefined;
  }
}

function rows(desk: Desk, { kind: wanted }: Body<'entry.list'>): EntryRow[] {
  const { entries } = entriesOf(desk.store);
  const holds = withEntries(desk.configured, { entries }) as unknown as Pages;
  const names = new Map(desk.people.rows().map(({ id, name }) => [id, name]));
  const kinds = kindsOfEntries.filter((kind) => wanted === undefined || kind === wanted);
  return kinds.flatMap((kind) =>
    Object.entries(holds[kind])
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, fields]): EntryRow => {
        const entry = entries[keyOf({ kind, name })];
        const { by = '', at = 0, revision = 0 } = entry ?? {};
        const configured = fieldsIn(desk.configured, kind, name);
        return {
          ...{ kind, name, fields: withNames(names, fields) },
          entered: entry === undefined ? null : withNames(names, entry.fields),
          configured: configured === undefined ? null : withNames(names, configured),
          ...{ revision, by: names.get(by) ?? by, at },
        };
      }),
  );
}

/** Looks at a change as a whole; gives it with the revision that it was judged by. */
function checked(desk: Desk, asked: readonly EntryChange[]): Body<'entry.put'> {
  const before = entriesOf(desk.store);
  const after = new Map(Object.entries(before.entries));
  const changes = new Map<string, EntryChange>();
  for (const change of asked) {
    const { kind, name, revision } = change;
    const key = keyOf(change);
    if (changes.has(key)) throw new Failed('malformed', `${kind} ${name} is changed twice at once`);
    refuseOutdated(desk, before, change);
    const fields = withIds(desk.people.rows(), change);
    changes.set(key, { ...change, fields });
    if (fields === null) after.delete(key);
    else {
      const holds = { ...fieldsIn(desk.configured, kind, name), ...fields };
      const wrong = misfits(kind, name, holds);
      if (wrong.length > 0) throw new Failed('malformed', `${kind} ${name}: ${wrong.join('; ')}`);
      refuseUnknownNodes(desk.store, change, fields);
      after.set(key, { kind, name, fields, revision, by: '', at: 0 });
    }
  }
  if (after.size > limits.entriesMax)
    throw new Failed('too_large', `there may be at most ${limits.entriesMax} entries`);
  desk.checkBook(withEntries(desk.configured, { entries: Object.fromEntries(after) }));
  return { changes: [...changes.values()], seen: before.revision };
}

/** Nobody changes what they have not seen. */
function refuseOutdated(
  { people, configured }: Desk,
  { entries }: Pick<Entries, 'entries'>,
  { kind, name, fields, revision }: EntryChange,
): void {
  const entry = entries[keyOf({ kind, name })];
  if (entry !== undefined && entry.revision !== revision) {
    const by = people.rows().find(({ id }) => id === entry.by)?.name ?? entry.by;
    const at = new Date(entry.at).toISOString();
    const text = `${kind} ${name} was changed by ${by} at ${at}, and is at revision`;
    throw new Failed('outdated', `${text} ${entry.revision}, not ${revision}`);
  }
  if (entry !== undefined) return;
  if (revision !== 0)
    throw new Failed('outdated', `what was entered of ${kind} ${name} was removed meanwhile`);
  if (fields !== null) return;
  const isConfigured = fieldsIn(configured, kind, name) !== undefined;
  const where = isConfigured ? ', only what the configuration of the heads says' : '';
  throw new Failed('not_found', `nothing is entered of ${kind} ${name}${where}`);
}
