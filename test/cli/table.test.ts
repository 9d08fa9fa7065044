import { describe, expect, it } from 'vitest';
import { cut, pairs, table, widthOf } from '../../src/cli/table.ts';
import { instant, resources, short, size, span } from '../../src/cli/words.ts';

type Row = { readonly id: string; readonly text: string; readonly count: number };
const columns = [
  { title: 'ID', of: (row: Row) => row.id },
  { title: 'TEXT', of: (row: Row) => row.text, gives: true },
  { title: 'COUNT', of: (row: Row) => String(row.count), right: true },
];
const rows = [
  { id: 'a', text: 'short', count: 7 },
  { id: 'bbbb', text: 'a longer text than that', count: 1_234_567 },
];

describe('a table', () => {
  it('has equal columns, numbers to the right', () => {
    expect(table(columns, rows, 80)).toEqual([
      'ID    TEXT                       COUNT',
      'a     short                          7',
      'bbbb  a longer text than that  1234567',
    ]);
  });

  it('cuts what gives way to fit the terminal', () => {
    const narrow = table(columns, rows, 30);
    expect(narrow).toEqual([
      'ID    TEXT               COUNT',
      'a     short                  7',
      'bbbb  a longer text …  1234567',
    ]);
    for (const width of [24, 25, 33, 40])
      for (const line of table(columns, rows, width))
        expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('is wider than the terminal rather than unreadable', () => {
    expect(table(columns, rows, 5)[2]).toBe('bbbb  a longe…  1234567');
  });

  it('counts places, not characters, and paints without counting', () => {
    const wide = [{ id: 'é', text: '日本語', count: 1 }];
    expect(table(columns, wide, 80)).toEqual(['ID  TEXT    COUNT', 'é   日本語      1']);
    const painted = table(columns, wide, 80, (cell, column) => (column === 1 ? `<${cell}>` : cell));
    expect(painted[1]).toBe('é   <日本語>      1');
  });

  it('prints nothing that would steer the terminal', () => {
    const evil = [{ id: '\x1b[2J', text: 'a\nb\u202eb', count: 1 }];
    const [, line] = table(columns, evil, 80);
    expect(line).not.toMatch(/[\x1b\n\u202e]/);
    expect(pairs([['name', 'x\x07']])).toEqual(['name  x\ufffd']);
  });

  it('cuts between whole characters', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdefg', 6)).toBe('abcde…');
    expect(cut('日本語', 5)).toBe('日本…');
    expect(cut('👩‍👩‍👧x', 2)).toBe('…');
  });
});

describe('words', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_725_000, '1 h 2 min'],
    [2 * 86_400_000 + 3 * 3_600_000, '2 d 3 h'],
    [86_400_000 + 59_000, '1 d'],
  ])('%d ms are %s', (ms, said) => {
    expect(span(ms)).toBe(said);
  });

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [200 << 20, '200 MiB'],
    [2 ** 50 * 3, '3.0 PiB'],
    [2 ** 60, '1024 PiB'],
  ])('%d bytes are %s', (bytes, said) => {
    expect(size(bytes)).toBe(said);
  });

  it('says when, in local time, and what', () => {
    expect(instant(0)).toBe('');
    expect(instant(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('2026-01-02 03:04:05');
    expect(resources({ cpus: 2, memoryBytes: 1 << 30, gpus: 0 })).toBe('2 cpu, 1.0 GiB');
    expect(resources({ cpus: 0, memoryBytes: 0, gpus: 0 })).toBe('');
    expect(short('0123abcd-0123')).toBe('0123abcd');
  });
});
