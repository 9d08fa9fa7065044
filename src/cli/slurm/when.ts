import { Usage } from '../exits.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** An instant as Slurm's options have it, in local time: ms since the epoch. */
export function whenOf(command: string, text: string, now: number): number {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const lower = text.toLowerCase();
  if (lower === 'now') return now;
  if (lower === 'midnight' || lower === 'today') return midnight;
  const [, sign, count, unit = 's'] = /^now([+-])(\d{1,7})([a-z]*)$/.exec(lower) ?? [];
  const unitMs = UNITS[unit.charAt(0) || 's'];
  if (count !== undefined && unitMs !== undefined)
    return now + (sign === '-' ? -1 : 1) * Number(count) * unitMs;
  const clock = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock !== null) return new Date(midnight).setHours(+clock[1]!, +clock[2]!, +(clock[3] ?? 0));
  const day = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  const ms =
    day === null ? Number.NaN : new Date(text.includes('T') ? text : `${text}T00:00`).getTime();
  if (!Number.isNaN(ms)) return ms;
  const known = 'YYYY-MM-DD[THH:MM[:SS]], HH:MM, midnight, now, now-7days';
  throw new Usage(`${command}: ${text} is no time; there are ${known}`);
}
