import { type Flaw, flaw } from './flaw.ts';
import { literal } from './pattern.ts';

/** A word of a line, its quotes and backslashes undone as a shell does it. */
export type Word = {
  readonly text: string;
  /** The same, with a backslash before what would be a pattern and was quoted. */
  readonly pattern: string;
  /** Where it begins in the line, its quote included. */
  readonly at: number;
  /** Where a shell would put in a variable or a command's output; -1: nowhere. */
  readonly expandsAt: number;
};

/** Spaces as people type and paste them; a carriage return ends a line of a file from Windows. */
export const isBlank = (char: string | undefined): boolean =>
  char === ' ' ||
  char === '\t' ||
  char === '\r' ||
  char === '\v' ||
  char === '\f' ||
  char === '\u00a0' ||
  char === '\ufeff';

const EXPANDS = /[A-Za-z0-9_{(@*#?$!-]/;
/** What a backslash takes its meaning from between double quotes; others keep their backslash. */
const ESCAPED_IN_DOUBLE = '"\\$`';

type Scan = {
  readonly line: string;
  at: number;
  text: string;
  pattern: string;
  expandsAt: number;
};

/**
 * The words of `line` from `from` on; a flaw's place counts from the line's begin. A comment behind
 * them is a flaw, or, as others have it, their end.
 */
export function wordsOf(
  line: string,
  from: number,
  comment: 'flaw' | 'end' = 'flaw',
): readonly Word[] | Flaw {
  const words: Word[] = [];
  let at = from;
  for (;;) {
    while (at < line.length && isBlank(line[at])) at += 1;
    if (at >= line.length) return words;
    if (line[at] === '#') {
      if (comment === 'end') return words;
      return flaw(at, 'a comment cannot follow a directive; quote a `#` that belongs to it');
    }
    const scan: Scan = { line, at, text: '', pattern: '', expandsAt: -1 };
    const wrong = scanWord(scan);
    if (wrong) return wrong;
    const { text, pattern, expandsAt } = scan;
    words.push({ text, pattern, at, expandsAt });
    at = scan.at;
  }
}

function scanWord(scan: Scan): Flaw | undefined {
  while (scan.at < scan.line.length && !isBlank(scan.line[scan.at])) {
    const char = scan.line[scan.at]!;
    if (char === "'") {
      const end = scan.line.indexOf("'", scan.at + 1);
      if (end < 0) return flaw(scan.at, "this ' has no closing '");
      quotedText(scan, scan.line.slice(scan.at + 1, end));
      scan.at = end + 1;
    } else if (char === '"') {
      const wrong = scanDouble(scan);
      if (wrong) return wrong;
    } else if (char === '\\') {
      const next = scan.line[scan.at + 1];
      if (next === undefined || next === '\r') {
        return flaw(scan.at, 'a directive is one line; this backslash has nothing to act on');
      }
      quotedText(scan, next);
      scan.at += 2;
    } else {
      if (isHome(scan) && scan.expandsAt < 0) scan.expandsAt = scan.at;
      lookForExpansion(scan, char);
      scan.text += char;
      scan.pattern += char;
      scan.at += 1;
    }
  }
  return undefined;
}

/** A word as `wordsOf` reads it back, and a shell. */
export const quotedWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function quotedText(scan: Scan, text: string): void {
  scan.text += text;
  scan.pattern += literal(text);
}

/** The `~` of `DIR=~/data`, which a shell makes the home directory. */
function isHome({ line, at }: Scan): boolean {
  const next = line[at + 1];
  const ends = next === undefined || next === '/' || isBlank(next);
  return line[at] === '~' && line[at - 1] === '=' && ends;
}

function scanDouble(scan: Scan): Flaw | undefined {
  const open = scan.at;
  scan.at += 1;
  while (scan.at < scan.line.length) {
    const char = scan.line[scan.at]!;
    const next = scan.line[scan.at + 1];
    if (char === '"') {
      scan.at += 1;
      return undefined;
    }
    if (char === '\\' && next !== undefined && ESCAPED_IN_DOUBLE.includes(next)) {
      quotedText(scan, next);
      scan.at += 2;
    } else {
      lookForExpansion(scan, char);
      quotedText(scan, char);
      scan.at += 1;
    }
  }
  return flaw(open, 'this " has no closing "');
}

function lookForExpansion(scan: Scan, char: string): void {
  const next = scan.line[scan.at + 1];
  const expands = char === '`' || (char === '$' && next !== undefined && EXPANDS.test(next));
  if (expands && scan.expandsAt < 0) scan.expandsAt = scan.at;
}
