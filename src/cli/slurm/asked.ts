import {
  type GivenOption,
  readOptions,
  type SlurmOption,
} from '../../protocol/jobscript/slurm-options.ts';
import { Usage } from '../exits.ts';

/** What one of Slurm's commands was called with. */
export type Asked<Name extends string> = {
  readonly given: readonly GivenOption<Name>[];
  /** The value that it was given last; '' of one that takes none. */
  readonly of: (name: Name) => string | undefined;
  readonly has: (name: Name) => boolean;
  /** The values of one that is a list, with commas or several times. */
  readonly list: (name: Name) => readonly string[];
  readonly rest: readonly string[];
};

/** Reads the words behind a command. An option that it does not have ends it, as all told. */
export function askedOf<Name extends string>(
  command: string,
  table: Readonly<Record<Name, SlurmOption>>,
  words: readonly string[],
): Asked<Name> {
  const plain = words.map((text) => ({ text, at: 0 }));
  const { given, flaws, unknown, rest } = readOptions(table, plain, 0);
  const [wrong] = flaws;
  if (wrong !== undefined) throw new Usage(`${command}: ${wrong.flaw}`);
  const [odd] = unknown;
  if (odd !== undefined)
    throw new Usage(`${command}: ${odd.flaw} is not supported; there are ${shownIn(table)}`);
  const of = (name: Name): string | undefined => given.findLast((one) => one.name === name)?.value;
  const list = (name: Name): readonly string[] =>
    given.filter((one) => one.name === name).flatMap(({ value }) => listIn(value));
  const texts = rest.map(({ text }) => text);
  return { given, of, has: (name) => of(name) !== undefined, list, rest: texts };
}

export const listIn = (text: string): readonly string[] =>
  text.split(',').filter((part) => part !== '');

/** What it does have, those left out that are only told to have no equal. */
function shownIn(table: Readonly<Record<string, SlurmOption>>): string {
  const shown = Object.entries(table).filter(([, { lacks }]) => lacks === undefined);
  return shown
    .map(([name, { short }]) => (short === undefined ? `--${name}` : `-${short} --${name}`))
    .join(', ');
}

/** Most commands take options alone. */
export function noMore(command: string, { rest }: { readonly rest: readonly string[] }): void {
  if (rest.length > 0) throw new Usage(`${command}: ${rest[0]} is one word too many`);
}
