import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFlaw } from '../../../src/protocol/jobscript/flaw.ts';
import { wordsOf } from '../../../src/protocol/jobscript/words.ts';

const texts = (line: string) => {
  const words = wordsOf(line, 0);
  return isFlaw(words) ? words : words.map((word) => word.text);
};

/** What /bin/sh makes of the same line: each word in angle brackets, ended by NUL. */
const shell = (line: string): readonly string[] => {
  const script = `set -f; set -- ${line}\nfor word; do printf '%s\\0' "$word"; done`;
  return execFileSync('/bin/sh', ['-c', script]).toString().split('\0').slice(0, -1);
};

describe('the words of a line', () => {
  it('knows where they stand', () => {
    expect(wordsOf('x  a "b c"\td', 1)).toEqual([
      { text: 'a', pattern: 'a', at: 3, expandsAt: -1 },
      { text: 'b c', pattern: 'b c', at: 5, expandsAt: -1 },
      { text: 'd', pattern: 'd', at: 11, expandsAt: -1 },
    ]);
    expect(wordsOf(' \t\r', 0)).toEqual([]);
  });

  it('knows where a shell would put something else in', () => {
    const places = (line: string) => {
      const words = wordsOf(line, 0);
      return isFlaw(words) ? words : words.map((word) => word.expandsAt);
    };
    expect(places('a$b "c$(d)" \'$e\' \\$f $ "$"')).toEqual([1, 6, -1, -1, -1, -1]);
    expect(places('A=~/x B=~ C=~d ~/e "`f`"')).toEqual([2, 8, -1, -1, 20]);
  });

  it('keeps apart what is a pattern and what was quoted', () => {
    const words = wordsOf(`a*b "?"'['* \\*? "a\\\\b" [x]`, 0);
    expect(isFlaw(words) ? words : words.map(({ pattern }) => pattern)).toEqual([
      'a*b',
      '\\?\\[*',
      '\\*?',
      'a\\\\b',
      '[x]',
    ]);
  });

  it.each([
    ['a "b', 2, 'this " has no closing "'],
    ["a'b", 1, "this ' has no closing '"],
    ['a\\', 1, 'a directive is one line; this backslash has nothing to act on'],
    ['a\\\r', 1, 'a directive is one line; this backslash has nothing to act on'],
    ['a "b\\" c', 2, 'this " has no closing "'],
    ['a #b', 2, 'a comment cannot follow a directive; quote a `#` that belongs to it'],
  ])('refuses %j', (line, at, text) => {
    expect(wordsOf(line, 0)).toEqual({ at, flaw: text });
  });

  it.each([
    `a b  c`,
    `'a b' "c d"e\\ f`,
    `"a\\"b" 'c"d' "e'f"`,
    `'' "" x''y`,
    `"\\a\\\\b\\$c"`,
    `\\'\\"\\\\`,
    `A="1 2" a#b`,
  ])('splits %s as a shell does', (line) => {
    expect(texts(line)).toEqual(shell(line));
  });

  it('splits any line as a shell does, or says what is wrong', () => {
    // Marks of a shell's own grammar stay out: a directive gives them no meaning.
    const part = fc.constantFrom(
      'a',
      'B',
      ' ',
      '  ',
      "'",
      '"',
      '\\',
      '\t',
      '=',
      '/',
      '.',
      'é',
      '#',
    );
    const lines: string[] = [];
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const line = parts.join('');
        const words = wordsOf(line, 0);
        if (isFlaw(words)) expect(words.at).toBeLessThan(line.length);
        else lines.push(line);
      }),
      { numRuns: 300 },
    );
    const script = lines.map(
      (line) => `set -- ${line}\nfor w; do printf '%s\\0' "$w"; done; printf '\\n\\0'`,
    );
    const out = execFileSync('/bin/sh', ['-c', `set -f\n${script.join('\n')}`]).toString();
    const mine = lines.flatMap((line) => [...(texts(line) as readonly string[]), '\n']);
    expect(lines.length).toBeGreaterThan(50);
    expect(out.split('\0').slice(0, -1)).toEqual(mine);
  });
});
