import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { userHome } from '../connect.ts';
import { writeFileDurably } from '../platform/disk.ts';
import { Usage } from './exits.ts';
import { type Options, textOf } from './verb.ts';

/** An installation by a name: what would else be said by the options that are called so. */
export type Context = {
  readonly url?: string;
  readonly spool?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
};

/** All of them. `current` is meant where nobody says which; '' is none. */
export type Contexts = {
  readonly current: string;
  readonly contexts: ReadonlyMap<string, Context>;
};

export const FIELDS = ['url', 'spool', 'cert', 'key', 'ca'] as const;

/** Which heads somebody speaks to, and with which key, is nobody else's business. */
const fileOf = (): string => join(userHome(), 'contexts.json');

/**
 * The context that is meant: the one that is named, else the current one, unless it is said where
 * to go without any.
 */
export function contextOf(options: Options): Context | undefined {
  const named = textOf(options, 'context') || process.env['SWM_CONTEXT'] || '';
  if (named === '' && isPlaced(options)) return undefined;
  const { current, contexts } = readContexts();
  const name = named || current;
  return name === '' ? undefined : contextIn(contexts, name);
}

const isPlaced = (options: Options): boolean =>
  [textOf(options, 'url'), textOf(options, 'spool')].some(Boolean) ||
  [process.env['SWM_URL'], process.env['SWM_SPOOL']].some(Boolean);

export function contextIn(contexts: Contexts['contexts'], name: string): Context {
  const found = contexts.get(name);
  if (found === undefined)
    throw new Usage(`swm: there is no context ${name}; \`swm context list\` has all of them`);
  return found;
}

/** Read at the start of each command that asks a head, so as plainly as can be. */
export function readContexts(): Contexts {
  const file = fileOf();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { current: '', contexts: new Map() };
    throw new Usage(`swm: ${file}: ${(error as Error).message}`);
  }
  const read = parsed(text);
  if (read === undefined) throw new Usage(`swm: ${file}: is no list of contexts`);
  return read;
}

function parsed(text: string): Contexts | undefined {
  try {
    const { current, contexts } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const all = Object.entries(contexts as object).map(([name, context]) => {
      const fields = FIELDS.filter((field) => field in context);
      if (!fields.every((field) => typeof context[field] === 'string')) throw new TypeError(name);
      return [name, Object.fromEntries(fields.map((field) => [field, context[field]]))] as const;
    });
    return typeof current === 'string' ? { current, contexts: new Map(all) } : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all, and for nobody else to read. */
export async function writeContexts({ current, contexts }: Contexts): Promise<void> {
  const file = fileOf();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ current, contexts: Object.fromEntries(contexts) }, null, 2);
  await writeFileDurably(file, `${text}\n`, 0o600);
}
