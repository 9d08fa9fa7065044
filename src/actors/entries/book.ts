import type { AccountFields, JobsFields, PortsFields } from '../../protocol/entry-fields.ts';
import type { EntryKind } from '../../protocol/entry-kinds.ts';
import type { Fields } from '../../protocol/entry-shapes.ts';
import type { Entries } from './entries.ts';

/** What holds of all that operators may enter: by kind and name. */
export type Book = {
  readonly account: Readonly<Record<string, AccountFields>>;
  readonly global: { readonly jobs: JobsFields; readonly ports: PortsFields };
};

/** A book, whatever its kinds are. */
export type Pages = Readonly<Record<EntryKind, Readonly<Record<string, Fields>>>>;

/** What a book has of that kind and name. */
export const fieldsIn = (book: Book, kind: EntryKind, name: string): Fields | undefined => {
  const page = (book as Pages)[kind];
  return Object.hasOwn(page, name) ? page[name] : undefined;
};

/** What the configuration says, and over it, field by field, what operators have entered. */
export function withEntries(configured: Book, { entries }: Pick<Entries, 'entries'>): Book {
  const pages: Record<string, Record<string, Fields>> = {};
  for (const [kind, page] of Object.entries(configured as Pages)) pages[kind] = { ...page };
  for (const { kind, name, fields } of Object.values(entries)) {
    const page = pages[kind];
    if (page !== undefined) page[name] = { ...fieldsIn(configured, kind, name), ...fields };
  }
  return pages as Book;
}
