import type { Places, Results } from '../../protocol/array-model.ts';
import { RECORD } from './program.ts';

/** The two lists of a shift, as its program writes one and reads the other. */

/** A task that ended; and how long both logs were then. */
export type Ended = {
  readonly place: number;
  readonly how: Results['how'];
  readonly code: number;
  readonly stdout: number;
  readonly stderr: number;
};

const hows: Readonly<Record<string, Results['how']>> = {
  e: 'exited',
  k: 'killed',
  l: 'late',
  c: 'cancelled',
  b: 'returned',
};

/** How many bytes of the index are whole records. */
export const wholeOf = (bytes: number): number => bytes - (bytes % RECORD);

/** A record; undefined for what the program did not write: the job may have. */
function endedAt(index: Uint8Array, at: number): Ended | undefined {
  const line = Buffer.from(index.buffer, index.byteOffset + at, RECORD).toString('latin1');
  const found = /^(\d{1,7}) ([eklcb]) (\d{1,3}) (\d{1,15}) (\d{1,15}) *\n$/.exec(line);
  if (found === null) return undefined;
  const [place = 0, code = 0, stdout = 0, stderr = 0] = [1, 3, 4, 5].map((i) => Number(found[i]));
  return { place, how: hows[found[2] as string] as Results['how'], code, stdout, stderr };
}

/** Results of records in their order; neighbours that ended alike are one. At most so many. */
export function resultsOf(
  index: Uint8Array,
  most: number,
): { readonly results: readonly Results[]; readonly bytes: number } {
  const results: Results[] = [];
  let at = 0;
  for (; at + RECORD <= index.length; at += RECORD) {
    const ended = endedAt(index, at);
    const last = results.at(-1);
    if (ended === undefined || ended.code > 255) continue;
    const { place, how, code } = ended;
    if (last !== undefined && last.to === place - 1 && last.how === how && last.code === code)
      last.to = place;
    else if (results.length === most) break;
    else results.push({ from: place, to: place, how, code });
  }
  return { results, bytes: at };
}

/** What a shift was granted, in the order in which it runs it; its last grant has that number. */
export type Granted = { readonly number: number; readonly places: readonly Places[] };

export function grantedIn(grants: string): Granted {
  let number = 0;
  const places: Places[] = [];
  for (const line of grants.split('\n').slice(0, -1)) {
    const [what, count, spans = ''] = line.split(' ');
    if (what !== 'grant' || Number(count) <= number) continue;
    number = Number(count);
    for (const span of spans.split(',')) places.push(span.split('-').map(Number) as Places);
  }
  return { number, places };
}

export const showPlaces = (places: readonly Places[]): string =>
  places.map(([from, to]) => `${from}-${to}`).join(',');

export const tasksIn = (places: readonly Places[]): number =>
  places.reduce((sum, [from, to]) => sum + to - from + 1, 0);

/** Where a task is in a log: from the end of the one before on. */
export type Slice = { readonly from: number; readonly to: number };

/** The log of a task that ended, of its last try; undefined: it has not. */
export function sliceOf(
  index: Uint8Array,
  place: number,
  stream: 'stdout' | 'stderr',
): Slice | undefined {
  for (let at = wholeOf(index.length) - RECORD; at >= 0; at -= RECORD) {
    const ended = endedAt(index, at);
    if (ended?.place !== place) continue;
    const before = at === 0 ? undefined : endedAt(index, at - RECORD);
    return { from: before?.[stream] ?? 0, to: ended[stream] };
  }
  return undefined;
}

/**
 * Where in a log the task begins that runs now, if it is this one: tasks are run in the order in
 * which they were granted, so that it is the first without a record. Undefined: another runs, or
 * none.
 */
export function beginOf(
  index: Uint8Array,
  places: readonly Places[],
  place: number,
  stream: 'stdout' | 'stderr',
): number | undefined {
  const bytes = wholeOf(index.length);
  const ended = new Map<number, number>();
  for (let at = 0; at < bytes; at += RECORD) {
    const found = endedAt(index, at)?.place ?? -1;
    ended.set(found, (ended.get(found) ?? 0) + 1);
  }
  for (const [from, to] of places)
    for (let each = from; each <= to; each++) {
      const times = ended.get(each) ?? 0;
      if (times > 0) ended.set(each, times - 1);
      else if (each !== place) return undefined;
      else return bytes === 0 ? 0 : (endedAt(index, bytes - RECORD)?.[stream] ?? 0);
    }
  return undefined;
}
