import { type Flaw, flaw, quoted } from './flaw.ts';

const BYTES = /^(\d+)(?:\.(\d+))?([kmgtp]?)(i?)(b?)$/i;
const POWERS = ['', 'k', 'm', 'g', 't', 'p'];

/**
 * Bytes: `512M`, `2G`, `1.5GiB`, `2GB`, or a bare count. K, M, G, T and P are powers of 1024, as
 * are KiB and so on; KB, MB and so on are powers of 1000. A part of a byte counts as one.
 */
export function parseBytes(text: string): number | Flaw {
  const found = BYTES.exec(text);
  const [, whole = '', part = '', letter = '', i = '', b = ''] = found ?? [];
  const alone = letter === '' && (i !== '' || part !== '');
  if (!found || alone) {
    return flaw(0, `wants bytes, such as 512M, 2G or 1.5GiB, not ${quoted(text)}`);
  }
  const base = i === '' && b !== '' && letter !== '' ? 1000 : 1024;
  const bytes = Math.ceil(
    Number(`${whole}.${part}0`) * base ** POWERS.indexOf(letter.toLowerCase()),
  );
  return Number.isSafeInteger(bytes) ? bytes : flaw(0, `${quoted(text)} is too much to count`);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SECONDS = /^\d+$/;
const UNITS = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/i;
const CLOCK = /^(\d+):(\d\d?):(\d\d?)$/;
const DAYS = /^(\d+)-(\d\d?)(?::(\d\d?)(?::(\d\d?))?)?$/;
const TWO_PARTS = /^\d+:\d+$/;

/**
 * Milliseconds of a duration: `90` (seconds), `2h30m`, `01:30:00`, `1-00:00:00` (days first). Two
 * parts such as `01:30` are refused: some systems read minutes, others hours.
 */
export function parseDuration(text: string): number | Flaw {
  const ms = durationOf(text);
  if (Number.isSafeInteger(ms)) return ms!;
  if (ms !== undefined) return flaw(0, `${quoted(text)} is too long to count`);
  if (TWO_PARTS.test(text)) {
    return flaw(0, `${quoted(text)} may be minutes or hours; write 00:${text} or ${text}:00`);
  }
  return flaw(0, `wants a time, such as 90, 2h30m, 01:30:00 or 1-00:00:00, not ${quoted(text)}`);
}

function durationOf(text: string): number | undefined {
  if (SECONDS.test(text)) return Number(text) * SECOND;
  const units = text === '' ? null : UNITS.exec(text);
  if (units) return sum(units.slice(1), [DAY, HOUR, MINUTE, SECOND]);
  const clock = CLOCK.exec(text);
  if (clock)
    return withinClock(clock.slice(2), [60, 60]) && sum(clock.slice(1), [HOUR, MINUTE, SECOND]);
  const days = DAYS.exec(text);
  if (days) {
    return (
      withinClock(days.slice(2), [24, 60, 60]) && sum(days.slice(1), [DAY, HOUR, MINUTE, SECOND])
    );
  }
  return undefined;
}

const withinClock = (parts: readonly (string | undefined)[], ends: readonly number[]) =>
  parts.every((part, i) => Number(part ?? 0) < ends[i]!) || undefined;

const sum = (parts: readonly (string | undefined)[], units: readonly number[]) =>
  parts.reduce((total, part, i) => total + Number(part ?? 0) * units[i]!, 0);

const BYTE_UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/** The shortest whole form that `parseBytes` reads: `1536M`. */
export function showBytes(bytes: number): string {
  let power = 0;
  let count = bytes;
  while (count !== 0 && count % 1024 === 0 && power < BYTE_UNITS.length - 1) {
    count /= 1024;
    power += 1;
  }
  return `${count}${BYTE_UNITS[power]}`;
}

/** A form that `parseDuration` reads: `1d2h30m`, in whole seconds. */
export function showDuration(ms: number): string {
  const seconds = Math.floor(ms / SECOND);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return shown.join('') || '0s';
}
