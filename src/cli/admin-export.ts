import { stringify } from 'yaml';
import { type EntryKind, kindsOfEntries } from '../protocol/entry-kinds.ts';
import type { Fields } from '../protocol/entry-shapes.ts';
import { rowsOf } from './entries.ts';
import { exits, Usage } from './exits.ts';
import { type Call, isOn } from './verb.ts';

/** Prints what was entered, by kind and name, as import reads it. */
export async function run(call: Call): Promise<number> {
  const { args, options, screen } = call;
  const unknown = args.find((kind) => !kindsOfEntries.includes(kind as EntryKind));
  if (unknown !== undefined)
    throw new Usage(`swm: ${unknown} is no kind of entry: ${kindsOfEntries.join(', ')}`);
  const pages: Record<string, Record<string, Fields>> = {};
  for (const { kind, name, fields, entered } of await rowsOf(call)) {
    const said = isOn(options, 'all') ? fields : entered;
    if (said === null || (args.length > 0 && !args.includes(kind))) continue;
    pages[kind] = { ...pages[kind], [name]: said };
  }
  if (screen.json) screen.printJson(pages);
  else screen.print(stringify(pages).trimEnd());
  return exits.good;
}
