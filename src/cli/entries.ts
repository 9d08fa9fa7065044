import { parse } from 'yaml';
import type { EntryKind } from '../protocol/entry-kinds.ts';
import type { EntryRow, Fields, FieldValue } from '../protocol/entry-shapes.ts';
import { Failed } from '../protocol/errors.ts';
import { exits, Usage } from './exits.ts';
import { printRows } from './lists.ts';
import { pairs } from './table.ts';
import type { Call, Run } from './verb.ts';
import { instant } from './words.ts';

/** The verbs of one kind of what operators enter beside the configuration. */

export const list =
  (kind: EntryKind): Run =>
  async (call) => {
    printRows(call.screen, await rowsOf(call, kind), [
      { title: 'NAME', of: ({ name }) => name },
      { title: 'FIELDS', of: ({ fields }) => fieldsText(fields), gives: true },
      { title: 'FROM', of: sources },
      { title: 'BY', of: ({ by }) => by, gives: true },
      { title: 'AT', of: ({ at }) => instant(at) },
    ]);
    return exits.good;
  };

export const show =
  (kind: EntryKind): Run =>
  async (call) => {
    const row = await rowOf(call, kind, call.args[0]!);
    if (call.screen.json) {
      call.screen.printJson(row);
      return exits.good;
    }
    const lines = pairs([
      ['name', row.name],
      ...Object.entries(row.fields).map(
        ([field, value]) => [field, holds(row, field, value)] as const,
      ),
      ...(row.by === '' ? [] : [['changed', `${instant(row.at)} by ${row.by}`] as const]),
      ['revision', String(row.revision)],
    ]);
    for (const line of lines) call.screen.print(line);
    return exits.good;
  };

export const create =
  (kind: EntryKind): Run =>
  async (call) => {
    const [name, ...given] = call.args as [string, ...string[]];
    return put(call, kind, name, withFields({}, {}, given), await noneOf(call, kind, name));
  };

export const clone =
  (kind: EntryKind): Run =>
  async (call) => {
    const [like, name, ...given] = call.args as [string, string, ...string[]];
    const { fields } = await rowOf(call, kind, like);
    return put(call, kind, name, withFields(fields, fields, given), await noneOf(call, kind, name));
  };

export const set =
  (kind: EntryKind): Run =>
  async (call) => {
    const [name, ...given] = call.args as [string, ...string[]];
    if (given.length === 0) throw new Usage('swm: field=value says what to change');
    const { fields, entered, revision } = await rowOf(call, kind, name);
    return put(call, kind, name, withFields(entered ?? {}, fields, given), revision);
  };

export const remove =
  (kind: EntryKind): Run =>
  async (call) => {
    const { name, revision } = await rowOf(call, kind, call.args[0]!);
    return put(call, kind, name, null, revision);
  };

/** All that there is of a kind, or of all kinds. */
export async function rowsOf({ client }: Call, kind?: EntryKind): Promise<readonly EntryRow[]> {
  return (await (await client()).call('entry.list', kind === undefined ? {} : { kind })).entries;
}

/** Fields in one line, as they are given on a command line. */
export const fieldsText = (fields: Fields): string =>
  Object.entries(fields)
    .map(([field, value]) => `${field}=${valueText(value)}`)
    .join(' ');

export const valueText = (value: FieldValue): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

async function rowOf(call: Call, kind: EntryKind, name: string): Promise<EntryRow> {
  const found = (await rowsOf(call, kind)).find((row) => row.name === name);
  if (found === undefined) throw new Failed('not_found', `there is no ${kind} ${name}`);
  return found;
}

/** The revision of what is not there. */
async function noneOf(call: Call, kind: EntryKind, name: string): Promise<number> {
  const isThere = (await rowsOf(call, kind)).some((row) => row.name === name);
  if (!isThere) return 0;
  throw new Failed('refused', `there is ${kind} ${name} already: \`swm ${kind} set\` changes it`);
}

async function put(
  { screen, client }: Call,
  kind: EntryKind,
  name: string,
  fields: Fields | null,
  revision: number,
): Promise<number> {
  const changes = [{ kind, name, fields, revision }];
  const done = await (await client()).call('entry.change', { changes });
  if (screen.json) screen.printJson(done);
  else screen.print(name);
  return exits.good;
}

/** Who says it: an operator, by an entry, the file of the head, or both. */
const sources = ({ entered, configured }: EntryRow): string =>
  [entered === null ? '' : 'entry', configured === null ? '' : 'configuration']
    .filter((source) => source !== '')
    .join(' over ');

function holds({ entered, configured }: EntryRow, field: string, value: FieldValue): string {
  const file = configured?.[field];
  if (entered?.[field] === undefined) return `${valueText(value)} (configuration)`;
  return file === undefined ? valueText(value) : `${valueText(value)} (over ${valueText(file)})`;
}

/** What was entered, with what is given; inside of a field, the rest stays as it holds. */
function withFields(entered: Fields, holds: Fields, given: readonly string[]): Fields {
  const fields: Record<string, FieldValue> = { ...entered };
  for (const text of given) {
    const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const [field = '', inner, ...more] = path.split('.');
    if (field === '' || more.length > 0) throw new Usage(`swm: ${text} is no field=value`);
    if (inner === undefined) change(fields, field, value);
    else {
      const before = fields[field] ?? holds[field];
      const inside = isRecord(before) ? { ...before } : {};
      change(inside, inner, value);
      fields[field] = inside as FieldValue;
    }
  }
  return fields;
}

const isRecord = (value: unknown): value is Record<string, FieldValue> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value is as YAML has it; nothing takes the field away. */
function change(fields: Record<string, FieldValue>, field: string, text: string): void {
  const value = valueIn(text);
  if (value === null) delete fields[field];
  else fields[field] = value;
}

function valueIn(text: string): FieldValue | null {
  try {
    return parse(text, { prettyErrors: false }) as FieldValue | null;
  } catch (error) {
    throw new Usage(`swm: ${text}: ${(error as Error).message}`);
  }
}
