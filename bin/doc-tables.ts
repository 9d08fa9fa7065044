import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { unable } from '../src/actors/session/tasks.ts';
import { exits } from '../src/cli/exits.ts';
import { programOf } from '../src/cli/program.ts';
import { verbs } from '../src/cli/verbs.ts';
import { readConfig } from '../src/config.ts';
import { errors } from '../src/protocol/errors.ts';
import { directiveNames, directives } from '../src/protocol/jobscript/directives.ts';
import { messages } from '../src/protocol/messages.ts';
import { restRoutes } from '../src/protocol/rest-routes.ts';
import { code } from './cell.ts';
import { protocolTables } from './protocol-tables.ts';
import { transcripts } from './transcripts.ts';

type Rows = readonly (readonly string[])[];
/** A table that the sources know better than any author. `kept` is the last cell of its old row. */
type Table = (kept: (first: string) => string) => Promise<Rows> | Rows;

const tables: Readonly<Record<string, Table>> = {
  ...protocolTables,
  directives: () => [
    ['directive', 'what it asks for', ''],
    ...directiveNames.map((name) => {
      const { argument, help, repeatable, blank, also } = directives[name];
      const notes = [
        isUnable(name) ? '**not yet**' : '',
        repeatable ? 'repeatable' : '',
        blank ? 'may be empty' : '',
        also === undefined ? '' : `also \`${also.join('`, `')}\``,
      ];
      return [code(`${name} ${argument}`), help, notes.filter((note) => note !== '').join('; ')];
    }),
  ],
  verbs: () => [
    ['command', 'what it does'],
    ...verbs.map(({ name, args, help }) => [code(`swm ${name} ${args}`), help]),
  ],
  flags: () => [
    ['command', 'option', 'what it does'],
    ...programOf().options.map(({ flags, description }) => ['any', code(flags), description]),
    ...verbs.flatMap(({ name, flags }) =>
      flags.map(([flag, help]) => [code(name), code(flag), help]),
    ),
  ],
  exits: () => [
    ['exit code', 'name in the sources'],
    ...Object.entries(exits).map(([name, number]) => [String(number), name]),
  ],
  errors: () => [
    ['code', 'HTTP', 'again?', 'what to do'],
    ...Object.entries(errors).map(([name, { http, retry, mend }]) => [
      code(name),
      String(http),
      retry ? 'yes' : 'no',
      mend,
    ]),
  ],
  routes: () => [
    ['route', 'what it does', 'the call'],
    ...Object.entries(restRoutes).map(([name, route]) => [
      code(route),
      messages[name as keyof typeof restRoutes].help,
      code(name),
    ]),
  ],
  planted: () => [
    ['what is broken', 'where', 'run and seed', 'found out by'],
    ...globSync(join(import.meta.dirname, '..', 'test', 'planted', '*.patch'))
      .toSorted()
      .map(plantedBug),
  ],
  config: async (kept) => {
    const sources = { dev: false, file: undefined, spoolFile: '/none', env: {}, flags: {} };
    const { locate: _, isGiven: __, ...config } = await readConfig(sources);
    const known = leaves({ ...config, name: 'the host’s name' });
    return [
      ['key', 'default', 'what it means'],
      ...known.map(([key = '', value = '']) => [key, value, kept(key)]),
    ];
  },
};

/** A bug that is planted, as its patch tells it. */
function plantedBug(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  const [, run = '', seed = '', invariant = ''] =
    /^# run=(\w+) seed=(\d+) invariant=([\w-]+)/.exec(text) ?? [];
  const broken = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, file = '']) => code(file));
  const name = basename(path, '.patch');
  const caughtBy = invariant.replaceAll('-', ' ');
  return [code(name), [...new Set(broken)].join(', '), `${run} ${seed}`, caughtBy];
}

const isUnable = (name: string): boolean =>
  Object.keys(unable).some((names) => names.split(', ').includes(name));

const leaves = (value: object, prefix = ''): string[][] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, `${prefix}${key}.`)
      : [[code(prefix + key), code(JSON.stringify(inner))]],
  );

const section = /<!-- (\w+): made by npm run docs -->\n([\s\S]*?)<!-- end -->/g;

/** The text of a guide with each of its tables as the sources have it now. */
export async function filled(text: string): Promise<string> {
  const parts: string[] = [];
  let from = 0;
  for (const { 0: whole, 1: name = '', 2: old = '', index } of text.matchAll(section)) {
    const made = await (texts[name]?.() ?? tableText(name, old));
    parts.push(text.slice(from, index), `<!-- ${name}: made by npm run docs -->\n`);
    parts.push(`${made}\n<!-- end -->`);
    from = index + whole.length;
  }
  return [...parts, text.slice(from)].join('');
}

/** What is no table. */
const texts: Readonly<Record<string, () => Promise<string>>> = { transcripts };

async function tableText(name: string, old: string): Promise<string> {
  const table = tables[name];
  if (table === undefined) throw new Error(`there is no table ${name}`);
  const [head = [], ...rows] = await table((first) => lastCell(old, first));
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

function lastCell(table: string, first: string): string {
  const row = table.split('\n').find((line) => line.startsWith(`| ${first} |`));
  return row?.split(' | ').at(-1)?.replace(/ \|$/, '') ?? '(what does it mean?)';
}
