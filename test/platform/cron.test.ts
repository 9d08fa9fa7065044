import { describe, expect, it } from 'vitest';
import { nextTick } from '../../src/platform/cron.ts';

/** The next so many times, as they are in UTC. */
function times(pattern: string, zone: string, after: string, count: number): readonly string[] {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(after); found.length < count; ) {
    at = nextTick(pattern, zone, at);
    if (at === undefined) return [...found, 'never'];
    found.push(new Date(at).toISOString().slice(0, 19));
  }
  return found;
}

describe('the times of a cron pattern', () => {
  it.each([
    ['0 3 * * 1-5', 'UTC', '2026-11-27T03:00', ['2026-11-30T03:00:00', '2026-12-01T03:00:00']],
    ['0 3 * * *', 'Asia/Tokyo', '2026-11-27T12:00', ['2026-11-27T18:00:00']],
    ['*/2 * * * * *', 'UTC', '2026-11-27T03:00', ['2026-11-27T03:00:02', '2026-11-27T03:00:04']],
    ['0 0 29 2 *', 'UTC', '2026-11-27T03:00', ['2028-02-29T00:00:00']],
    ['0 0 30 2 *', 'UTC', '2026-11-27T03:00', ['never']],
    // A night without that half hour, and a night that has it twice.
    [
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00',
      ['2026-03-29T01:00:00', '2026-03-30T00:30:00'],
    ],
    [
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00',
      ['2026-10-25T00:30:00', '2026-10-26T01:30:00'],
    ],
    [
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00',
      ['2026-10-25T00:30:00', '2026-10-25T01:00:00', '2026-10-25T01:30:00'],
    ],
  ] as const)('`%s` in %s after %s', (pattern, zone, after, wanted) => {
    expect(times(pattern, zone, `${after}:00Z`, wanted.length)).toEqual(wanted);
  });

  it.each([
    ['x', 'UTC', '$.cron: '],
    ['61 * * * *', 'UTC', '$.cron: CronPattern: Invalid value for minute: 61'],
    ['* * * *', 'UTC', '$.cron: '],
    ['0 3 * * *', 'Mars/Olympus', '$.zone: Mars/Olympus is no time zone, such as Europe/Berlin'],
  ])('`%s` in %s are none', (pattern, zone, why) => {
    expect(() => nextTick(pattern, zone, 0)).toThrow(why);
  });
});
