/**
 * Paths in which `*`, `?`, `[a-z]` and `**` stand for names, as in a shell; a backslash takes a
 * character as it is. What begins with a dot is matched only by what begins with one too.
 */

type Token =
  | { readonly is: 'many' }
  | { readonly is: 'one' }
  | { readonly is: 'char'; readonly char: string }
  | { readonly is: 'class'; readonly not: boolean; readonly ranges: readonly Range[] };
type Range = readonly [from: string, to: string];

/** What a pattern is matched to: the names in a folder, and which of them may be gone into. */
export type Listing = (
  folder: string,
) => Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;

const SPECIAL = /[*?[\\]/g;

/** A name as a pattern that matches it alone. */
export const literal = (text: string): string => text.replace(SPECIAL, '\\$&');

/** The path that a pattern without wildcards stands for; undefined if it has some. */
export function plainPath(pattern: string): string | undefined {
  const tokens = tokensOf(pattern);
  return tokens.every((token) => token.is === 'char') ? named(tokens) : undefined;
}

const named = (tokens: readonly Token[]): string =>
  tokens.map((token) => (token.is === 'char' ? token.char : '')).join('');

/** The paths that match, in order of their names; a folder matches as a whole. */
export async function matches(pattern: string, list: Listing): Promise<readonly string[]> {
  const isAbsolute = pattern.startsWith('/');
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const walk: Walk = { list, found: new Set(), seen: new Set() };
  await below(walk, isAbsolute ? '/' : '', parts);
  return [...walk.found].toSorted();
}

type Walk = {
  readonly list: Listing;
  readonly found: Set<string>;
  /** Where it was, and with what to match there: several `**` lead to one place again and again. */
  readonly seen: Set<string>;
};

async function below(walk: Walk, folder: string, parts: readonly string[]): Promise<void> {
  const [part, ...rest] = parts;
  const here = `${folder}\0${parts.join('/')}`;
  if (part === undefined || walk.seen.has(here)) return;
  walk.seen.add(here);
  const isDeep = part === '**';
  if (isDeep) await below(walk, folder, rest);
  const plain = plainPath(part);
  if (plain !== undefined && rest.length > 0) return below(walk, joined(folder, plain), rest);
  const tokens = isDeep ? ([{ is: 'many' }] as const) : tokensOf(part);
  for (const { name, isFolder } of await walk.list(folder)) {
    if (!isMatch(tokens, name)) continue;
    const path = joined(folder, name);
    if (isDeep && isFolder) await below(walk, path, parts);
    else if (rest.length === 0) walk.found.add(path);
    else if (isFolder && !isDeep) await below(walk, path, rest);
  }
}

const joined = (folder: string, name: string): string =>
  folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;

function tokensOf(text: string): readonly Token[] {
  const chars = [...text];
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] as string;
    const found = char === '[' ? classAt(chars, at) : undefined;
    if (found !== undefined) {
      tokens.push(found.token);
      at = found.end;
    } else if (char === '*') tokens.push({ is: 'many' });
    else if (char === '?') tokens.push({ is: 'one' });
    else if (char === '\\' && at + 1 < chars.length)
      tokens.push({ is: 'char', char: chars[++at] as string });
    else tokens.push({ is: 'char', char });
  }
  return tokens;
}

/** A class such as `[a-z_]` or `[!0-9]`; one that is not closed is no class. */
function classAt(
  chars: readonly string[],
  open: number,
): { token: Token; end: number } | undefined {
  const not = chars[open + 1] === '!' || chars[open + 1] === '^';
  const first = open + (not ? 2 : 1);
  const ranges: Range[] = [];
  for (let at = first; at < chars.length; at += 1) {
    const char = chars[at] as string;
    if (char === ']' && at > first) return { token: { is: 'class', not, ranges }, end: at };
    const isRange = chars[at + 1] === '-' && chars[at + 2] !== undefined && chars[at + 2] !== ']';
    ranges.push([char, isRange ? (chars[at + 2] as string) : char]);
    if (isRange) at += 2;
  }
  return undefined;
}

const isOne = (token: Token | undefined, char: string): boolean => {
  switch (token?.is) {
    case 'one':
      return true;
    case 'char':
      return token.char === char;
    case 'class':
      return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.not;
    default:
      return false;
  }
};

/** Goes back to the last `*` only, so that no pattern takes long, whoever wrote it. */
function isMatch(tokens: readonly Token[], name: string): boolean {
  const [first] = tokens;
  if (name.startsWith('.') && !(first?.is === 'char' && first.char === '.')) return false;
  const chars = [...name];
  let [at, token, star, from] = [0, 0, -1, 0];
  while (at < chars.length) {
    if (tokens[token]?.is === 'many') {
      star = token++;
      from = at;
    } else if (isOne(tokens[token], chars[at] as string)) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      token = star + 1;
      at = ++from;
    } else return false;
  }
  return tokens.slice(token).every(({ is }) => is === 'many');
}
