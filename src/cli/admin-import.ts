import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { type EntryKind, kindsOfEntries } from '../protocol/entry-kinds.ts';
import type { EntryChange, EntryRow, Fields } from '../protocol/entry-shapes.ts';
import { limits } from '../protocol/limits.ts';
import { fieldsText, rowsOf, valueText } from './entries.ts';
import { exits, Usage } from './exits.ts';
import { readGiven } from './given.ts';
import { type Call, isOn } from './verb.ts';

type Pages = Readonly<Partial<Record<EntryKind, Readonly<Record<string, Fields>>>>>;

/** Enters what a file says, all or nothing, and shows what that changes. */
export async function run(call: Call): Promise<number> {
  const { options, screen, client } = call;
  const [file] = call.args as [string];
  const pages = pagesIn(await readGiven(file, limits.frameBytesMax), file);
  const rows = new Map((await rowsOf(call)).map((row) => [`${row.kind} ${row.name}`, row]));
  const changes = [
    ...changesTo(pages, rows),
    ...(isOn(options, 'prune') ? pruned(pages, [...rows.values()]) : []),
  ];
  const isTried = isOn(options, 'dryRun');
  if (changes.length > 0)
    await (await client()).call(isTried ? 'entry.check' : 'entry.change', { changes });
  if (screen.json) screen.printJson({ changes });
  else if (changes.length === 0) screen.note('All of it is so already.');
  else for (const one of changes) screen.print(told(one, rows.get(`${one.kind} ${one.name}`)));
  return exits.good;
}

function changesTo(pages: Pages, rows: ReadonlyMap<string, EntryRow>): EntryChange[] {
  return kindsOfEntries.flatMap((kind) =>
    Object.entries(pages[kind] ?? {}).flatMap(([name, fields]) => {
      const { entered = null, revision = 0 } = rows.get(`${kind} ${name}`) ?? {};
      return isDeepStrictEqual(entered, fields) ? [] : [{ kind, name, fields, revision }];
    }),
  );
}

/** Only of the kinds that the file tells of. */
const pruned = (pages: Pages, rows: readonly EntryRow[]): EntryChange[] =>
  rows
    .filter(
      ({ kind, name, entered }) =>
        entered !== null && pages[kind] && !Object.hasOwn(pages[kind], name),
    )
    .map(({ kind, name, revision }) => ({ kind, name, fields: null, revision }));

/** `+ account lab: budget=5`, `~ account lab: budget 5 → 7`, `- account lab`. */
function told({ kind, name, fields }: EntryChange, row: EntryRow | undefined): string {
  const before = row?.entered ?? null;
  if (fields === null) return `- ${kind} ${name}`;
  if (before === null) return `+ ${kind} ${name}: ${fieldsText(fields)}`.replace(/: $/, '');
  const names = new Set([...Object.keys(before), ...Object.keys(fields)]);
  const text = (of: Fields, field: string): string =>
    of[field] === undefined ? 'nothing' : valueText(of[field]);
  const steps = [...names]
    .filter((field) => !isDeepStrictEqual(before[field], fields[field]))
    .map((field) => `${field} ${text(before, field)} → ${text(fields, field)}`);
  return `~ ${kind} ${name}: ${steps.join(', ')}`;
}

function pagesIn(bytes: Uint8Array, file: string): Pages {
  const pages = read(new TextDecoder().decode(bytes), file);
  if (!isRecord(pages)) throw new Usage(`swm: ${file}: wanted entries by kind and name`);
  for (const [kind, page] of Object.entries(pages)) {
    if (!kindsOfEntries.includes(kind as EntryKind))
      throw new Usage(`swm: ${file}: ${kind} is none of ${kindsOfEntries.join(', ')}`);
    if (!isRecord(page)) throw new Usage(`swm: ${file}: ${kind}: wanted entries by name`);
    for (const [name, fields] of Object.entries(page))
      if (!isRecord(fields)) throw new Usage(`swm: ${file}: ${kind}.${name}: wanted fields`);
  }
  return pages as Pages;
}

function read(text: string, file: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new Usage(`swm: ${file}: ${(error as Error).message}`);
  }
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
