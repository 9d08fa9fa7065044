import type { Remedy, Start } from '../protocol/foresight-shapes.ts';
import type { Reply } from '../protocol/messages.ts';
import { harmless } from './screen.ts';
import { amount, instant, short, span } from './words.ts';

/** In words: what would start a job, and when it is likely to start. */

/** What would start a job that waits; it is said where nothing that was tried would. */
export function remedyText({ id, waits, reasons, change }: Told): string {
  if (change !== null) return remedyWords(change, id);
  if (!waits) return '';
  return reasons.length === 0
    ? 'nothing stands in its way: its place comes with the next pass'
    : 'no single change that was tried would start it now';
}

type Told = {
  readonly id: string;
  readonly waits: boolean;
  readonly reasons: readonly string[];
  readonly change: Remedy | null;
};

/** What to type for it, where that is a command. */
function remedyWords({ does, directive, value, job }: Remedy, id: string): string {
  if (does !== 'ask') {
    const done = does === 'hold' ? 'held' : 'cancelled';
    return `it would start now if job ${short(job ?? '')} were ${done}: swm ${does} ${job}`;
  }
  const line = harmless(`${directive}${value === '' || value === 'yes' ? '' : ` ${value}`}`);
  if (value === '') return `it would start now without \`${line}\` in its script`;
  const means = updates.includes(directive)
    ? `: swm update ${short(id)} --${directive} ${harmless(value)}`
    : ' in its script';
  return `it would start now with \`${line}\`${means}`;
}

/** Directives that `swm update` changes. */
const updates: readonly string[] = ['priority', 'time'];

/** When it starts, as far as that can be told. */
export function startWords({ from, likely, until }: Start, now: number): string {
  if (from === null) return 'nobody knows when it starts: nothing that is known of would let it';
  if (until !== null && until <= now + SOON_MS) return 'it starts at once';
  if (until !== null && until - from < SOON_MS) return `it starts at ${moment(from, now)}`;
  const about = likely === null ? '' : `, likely about ${moment(likely, now)}`;
  return until === null
    ? `it starts after ${moment(from, now)}${about}; how much later nobody knows`
    : `it starts between ${moment(from, now)} and ${moment(until, now)}${about}: ` +
        'in 8 of 10 cases';
}

/** So soon is now. */
const SOON_MS = 1_000;

const moment = (at: number, now: number): string =>
  at <= now + SOON_MS ? 'now' : `${instant(at)} (in ${span(at - now)})`;

/** Where a script would run, when, and for how much. */
export function planRows(
  { placement, start, reasons, walltimeMs, pricePerHour, cost }: Reply<'job.plan'>,
  now: number,
): readonly (readonly [name: string, value: string])[] {
  const isFree = pricePerHour === 0;
  const costs = cost === null ? 'for as long as it takes: its script says no `time`' : amount(cost);
  return [
    ['start', startWords(start, now)],
    ['place', placement === null ? 'none is in sight' : placeWords(placement)],
    ['time', walltimeMs === 0 ? 'as long as it takes' : span(walltimeMs)],
    ['price', isFree ? '' : `${amount(pricePerHour)} an hour`],
    ['cost', isFree ? '0' : costs],
    ...reasons.map((reason, i) => [i === 0 ? 'waits' : '', reason] as const),
  ];
}

function placeWords({ made, nodes, cluster }: NonNullable<Reply<'job.plan'>['placement']>): string {
  return made === null
    ? `${nodes.join(', ')} of ${cluster}`
    : `${nodes.length} × ${made.flavor} at ${made.remote}`;
}
