import { describe, expect, it } from 'vitest';
import { quoted, unprintableAt } from '../../../src/protocol/jobscript/flaw.ts';
import { utf8BytesOf } from '../../../src/protocol/jobscript/utf8.ts';

describe('a quoted text', () => {
  it.each([
    ['', '``'],
    ['plain', '`plain`'],
    ['x'.repeat(40), `\`${'x'.repeat(40)}\``],
    ['x'.repeat(41), `\`${'x'.repeat(40)}…\``],
    ['👍'.repeat(41), `\`${'👍'.repeat(40)}…\``],
    ['a\nb\u001b\u0085\u2028\ud800', '`a\\u{0a}b\\u{1b}\\u{85}\\u{2028}\\u{d800}`'],
  ])('of %j is %s', (text, shown) => {
    expect(quoted(text)).toBe(shown);
  });
});

it('finds the first character that has no look', () => {
  expect(unprintableAt('é 名 👩‍💻', false)).toBe(-1);
  expect(unprintableAt('ab\tc\u0000', false)).toBe(2);
  expect(unprintableAt('ab\tc\u0000', true)).toBe(4);
  expect(unprintableAt('👍\u200e', false)).toBe(2);
});

it.each([
  '',
  'a',
  '\u007f\u0080',
  '\u07ff\u0800',
  '\uffff',
  'é',
  '名',
  '👍',
  'a\ud800b',
  '\udc00\ud800',
  '\ud83d',
  '👍é'.repeat(9),
])('counts the bytes of %j', (text) => {
  expect(utf8BytesOf(text)).toBe(new TextEncoder().encode(text).length);
});
