import { describe, expect, it } from 'vitest';
import {
  type Listing,
  literal,
  matches,
  plainPath,
} from '../../../src/protocol/jobscript/pattern.ts';

const tree = [
  '.hidden',
  '.git/config',
  '[x].txt',
  'a.txt',
  'b.txt',
  'ä.txt',
  'data/1.csv',
  'data/2.csv',
  'data/10.csv',
  'data/deep/3.csv',
  'data/deep/.h/4.csv',
  'data/deep/er/5.csv',
];

/** Names of a folder in the tree, the last first: the order must not depend on it. */
const list: Listing = async (folder) => {
  const prefix = folder === '' ? '' : `${folder}/`;
  const below = tree.filter((path) => path.startsWith(prefix)).map((p) => p.slice(prefix.length));
  const names = [...new Set(below.map((path) => path.split('/')[0] as string))].reverse();
  return names.map((name) => ({ name, isFolder: below.some((p) => p.startsWith(`${name}/`)) }));
};

describe('a pattern', () => {
  it.each([
    ['*.txt', ['[x].txt', 'a.txt', 'b.txt', 'ä.txt']],
    ['?.txt', ['a.txt', 'b.txt', 'ä.txt']],
    ['[a-b].txt', ['a.txt', 'b.txt']],
    ['[!a-b].txt', ['ä.txt']],
    ['[^ab].txt', ['ä.txt']],
    ['[]b].txt', ['b.txt']],
    ['\\[x].*', ['[x].txt']],
    ['[x*', ['[x].txt']],
    ['*', ['[x].txt', 'a.txt', 'b.txt', 'data', 'ä.txt']],
    ['.*', ['.git', '.hidden']],
    ['[.]hidden', []],
    ['data/?.csv', ['data/1.csv', 'data/2.csv']],
    ['./data//[0-9]*[0-9].csv', ['data/10.csv']],
    ['d*/*/*.csv', ['data/deep/3.csv']],
    ['*/1.csv', ['data/1.csv']],
    ['a.txt/*', []],
    ['*/gone/*', []],
    [
      '**/*.csv',
      ['data/1.csv', 'data/10.csv', 'data/2.csv', 'data/deep/3.csv', 'data/deep/er/5.csv'],
    ],
    ['data/**/**/[35].csv', ['data/deep/3.csv', 'data/deep/er/5.csv']],
    ['data/deep/**', ['data/deep/3.csv', 'data/deep/er/5.csv']],
    ['data/deep/**/.h/*', ['data/deep/.h/4.csv']],
    ['**.csv', []],
    ['', []],
  ])('%s', async (pattern, paths) => {
    expect(await matches(pattern, list)).toEqual(paths);
  });

  it('is done at once, however it is made', async () => {
    const name = 'a'.repeat(255);
    const folders = Array.from({ length: 30 }, () => 'f').join('/');
    let looks = 0;
    const deep: Listing = async (folder) => {
      looks += 1;
      return folder === folders ? [{ name, isFolder: false }] : [{ name: 'f', isFolder: true }];
    };
    expect(await matches(`**/**/**/**/**/**/**/${'*a'.repeat(100)}b`, deep)).toEqual([]);
    expect(looks).toBeLessThan(1_000);
  });

  it('is none without a wildcard, or when all of them are quoted', () => {
    expect(plainPath('a/b c')).toBe('a/b c');
    expect(plainPath('a[b')).toBe('a[b');
    expect(plainPath('a/*')).toBeUndefined();
    for (const text of ['*', 'a?[b]\\c', '\\', '**/x']) expect(plainPath(literal(text))).toBe(text);
  });
});
