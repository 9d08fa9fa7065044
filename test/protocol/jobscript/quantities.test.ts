import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFlaw } from '../../../src/protocol/jobscript/flaw.ts';
import {
  parseBytes,
  parseDuration,
  showBytes,
  showDuration,
} from '../../../src/protocol/jobscript/quantities.ts';

describe('bytes', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['7b', 7],
    ['1k', 1024],
    ['1K', 1024],
    ['1KiB', 1024],
    ['1Ki', 1024],
    ['1KB', 1000],
    ['512M', 536_870_912],
    ['2G', 2_147_483_648],
    ['1.5GiB', 1_610_612_736],
    ['1.5gb', 1_500_000_000],
    ['0.1K', 103],
    ['3T', 3 * 2 ** 40],
    ['7P', 7 * 2 ** 50],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    '',
    'G',
    '1.5',
    '1.G',
    '.5G',
    '1,5G',
    '-1',
    '1 G',
    '1GG',
    '1Bi',
    '1i',
    '1E',
    '0x10',
    '1e3',
    '１G',
  ])('%j is none', (text) => {
    expect(parseBytes(text)).toMatchObject({ at: 0, flaw: expect.stringMatching(/^wants bytes/) });
  });

  it('refuses what a number cannot hold', () => {
    expect(parseBytes('9000P')).toEqual({ at: 0, flaw: '`9000P` is too much to count' });
    expect(isFlaw(parseBytes('9'.repeat(400)))).toBe(true);
  });

  it('shows what it reads', () => {
    expect([0, 1, 1023, 1024, 1536 * 2 ** 20].map(showBytes)).toEqual([
      '0',
      '1',
      '1023',
      '1K',
      '1536M',
    ]);
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseBytes(showBytes(bytes)) === bytes));
  });
});

describe('durations', () => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000] as const;
  it.each([
    ['0', 0],
    ['90', 90 * s],
    ['45s', 45 * s],
    ['30m', 30 * m],
    ['2h30m', 2.5 * h],
    ['1D2H3M4S', d + 2 * h + 3 * m + 4 * s],
    ['1d4s', d + 4 * s],
    ['90m', 90 * m],
    ['01:30:00', 1.5 * h],
    ['1:2:3', h + 2 * m + 3 * s],
    ['100:59:59', 100 * h + 59 * m + 59 * s],
    ['1-00:00:00', d],
    ['2-12', 2.5 * d],
    ['2-12:30', 2.5 * d + 30 * m],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    'h',
    '-5',
    '1.5h',
    '30m2h',
    '5h5h',
    '1:60:00',
    '1:00:60',
    '1-24',
    '1-00:60',
    '1:2:3:4',
    '1::2',
    ':30',
    '1-',
    '1 h',
    '1w',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toMatchObject({
      at: 0,
      flaw: expect.stringMatching(/^wants a time/),
    });
  });

  it('refuses two parts, which people read in two ways', () => {
    expect(parseDuration('10:30')).toEqual({
      at: 0,
      flaw: '`10:30` may be minutes or hours; write 00:10:30 or 10:30:00',
    });
  });

  it('refuses what a number cannot hold', () => {
    expect(parseDuration('9'.repeat(20))).toMatchObject({
      flaw: expect.stringMatching(/too long/),
    });
    expect(parseDuration(`${'9'.repeat(400)}d`)).toMatchObject({
      flaw: expect.stringMatching(/too long/),
    });
  });

  it('shows what it reads', () => {
    expect([0, 90 * s, 2.5 * h, d].map(showDuration)).toEqual(['0s', '1m30s', '2h30m', '1d']);
    const seconds = fc.nat({ max: 10 ** 9 });
    fc.assert(fc.property(seconds, (n) => parseDuration(showDuration(n * s)) === n * s));
  });
});
