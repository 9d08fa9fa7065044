import { limits } from '../limits.ts';
import { type Flaw, flaw, lengthOf, quoted, unprintableAt } from './flaw.ts';
import type { Word } from './words.ts';

/**
 * Where a path may lead. `anywhere`: it is on the submitter's own disk. `below`: absolute, or
 * below where it is used, but never up from there. `inside`: within the working directory.
 */
export type Reach = 'anywhere' | 'below' | 'inside';

/** What is wrong with the path of a file or directory. */
export function pathFlaw(word: Word, reach: Reach): Flaw | undefined {
  const { text, at } = word;
  if (text === '') return flaw(at, 'a path is missing between these quotes');
  const wrong = textFlaw(word);
  if (wrong) return wrong;
  if (reach === 'anywhere') return undefined;
  if (text.split('/').includes('..')) return flaw(at, `${quoted(text)} leads up by ..`);
  if (reach === 'below') return undefined;
  if (text.startsWith('/')) {
    return flaw(at, `${quoted(text)} is absolute; it is a path in the working directory`);
  }
  return /(?:^|\/)\.?$/.test(text) ? flaw(at, `${quoted(text)} names no file`) : undefined;
}

/** What is wrong with any text of a user: it is too long, or cannot be printed. */
export function textFlaw(
  { text, at }: Word,
  charsMax: number = limits.textCharsMax,
): Flaw | undefined {
  return unprintable(text, at, false) ?? tooLong(text, at, charsMax);
}

export function unprintable(text: string, at: number, tabs: boolean): Flaw | undefined {
  const found = unprintableAt(text, tabs);
  if (found < 0) return undefined;
  const char = String.fromCodePoint(text.codePointAt(found) ?? 0);
  return flaw(at + found, `has ${quoted(char)}, which cannot be printed`);
}

export function tooLong(text: string, at: number, charsMax: number): Flaw | undefined {
  const chars = lengthOf(text);
  return chars > charsMax
    ? flaw(at, `has ${chars} characters; at most ${charsMax} may be`)
    : undefined;
}
