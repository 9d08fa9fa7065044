import { readFile } from 'node:fs/promises';
import { type Document, isCollection, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { Failed } from './protocol/errors.ts';

/** A configuration file: its values, and where each of them stands. */
export type ConfigFile = {
  readonly path: string;
  readonly values: unknown;
  /** `FILE:line:col` of a key, or of the nearest one above it that the file has. */
  locate(key: readonly string[]): string;
};

/** Reads a file of keys and values. Throws `Failed` naming line and column. */
export async function readConfigFile(path: string, isRequired: boolean): Promise<ConfigFile> {
  const text = await readText(path, isRequired);
  if (text === undefined) return { path, values: {}, locate: () => path };
  const refuse = (line: number, column: number, why: string): Failed =>
    new Failed('malformed', `${path}:${line}:${column}: ${why}`);
  if (text === '') throw refuse(1, 1, 'the file is empty; write at least {} or remove it');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const flaw = document.errors[0];
  if (flaw !== undefined) {
    const { line, col } = lines.linePos(flaw.pos[0]);
    throw refuse(line, col, flaw.message);
  }
  const { contents } = document;
  // A file of comments says nothing, and that is well.
  if (contents === null || document.toJS() === null)
    return { path, values: {}, locate: () => path };
  if (!isMap(contents)) throw refuse(1, 1, 'wanted keys and values, as in `name: head-1`');
  const locate = (key: readonly string[]): string => {
    const { line, col } = lines.linePos(placeOf(document, key));
    return `${path}:${line}:${col}`;
  };
  return { path, values: document.toJS() as unknown, locate };
}

async function readText(path: string, isRequired: boolean): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (!isRequired && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failed('malformed', `${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Failed('malformed', `${path}:1:1: is not UTF-8 text`);
  }
}

/** Where a key begins; a site may be called by its number or by its name. */
function placeOf(document: Document, key: readonly string[]): number {
  let at: unknown = document.contents;
  let place = 0;
  for (const part of key) {
    const [begin, inner] = within(at, part);
    if (begin === undefined) return place;
    place = begin;
    at = inner;
  }
  return place;
}

function within(at: unknown, part: string): readonly [begin: number | undefined, inner: unknown] {
  if (isMap(at)) {
    const pair = at.items.find(({ key }) => String(key) === part);
    return [isNode(pair?.key) ? pair.key.range?.[0] : undefined, pair?.value];
  }
  if (!isCollection(at)) return [undefined, undefined];
  const items = at.items as unknown[];
  const item = items.find((each, i) => String(i) === part || nameOf(each) === part);
  return [isNode(item) ? item.range?.[0] : undefined, item];
}

const nameOf = (item: unknown): string | undefined =>
  isMap(item) && item.has('name') ? String(item.get('name')) : undefined;
