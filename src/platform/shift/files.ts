import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from '../../actors/ports.ts';
import type { ShiftFiles, ShiftNews, Work } from '../../actors/ways.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { chunksOf, openRegular } from '../file-chunks.ts';
import type { Account } from '../process/account.ts';
import { RECORD } from './program.ts';
import { grantedIn, resultsOf, showPlaces, tasksIn, wholeOf } from './records.ts';

export const GRANTS = 'grants';
export const INDEX = 'index';

/** One that is busy is not looked at more often than this. */
const LOOK_MS_MAX = 100;

/** Beside the program of a shift. */
export const besideShift = ({ script }: Pick<Place, 'script'>, name: string): string =>
  join(dirname(script), name);

/** What a worker and the program of a shift tell each other, by two files. */
export function shiftFiles(accountOf: (name: string) => Promise<Account | undefined>): ShiftFiles {
  return {
    async news({ place, user, from, isLast }, signal) {
      const owner = (await accountOf(user))?.uid;
      const since = performance.now();
      for (let pause: number = limits.arrayLookMs; ; pause = Math.min(2 * pause, LOOK_MS_MAX)) {
        const found = await look(place, owner, from);
        const ms = performance.now() - since;
        const isDue = found.to > from && ms >= limits.arrayReportMs;
        if (isLast || found.open <= 0 || isDue || ms >= limits.arraySilenceMs) return found;
        await sleep(pause, undefined, { signal });
      }
    },
    feed: ({ place, work }) => tell(place, linesOf(work)),
    recall: ({ place }) => tell(place, 'back\n'),
  };
}

async function tell(place: Place, lines: string): Promise<void> {
  if (lines === '') return;
  const file = await open(besideShift(place, GRANTS), 'a', 0o644);
  try {
    await file.appendFile(lines);
  } finally {
    await file.close();
  }
}

const linesOf = ({ grant, places, cancelled, over }: Work): string =>
  [
    places.length > 0 ? `grant ${grant} ${showPlaces(places)}\n` : '',
    cancelled.length > 0 ? `cancel ${showPlaces(cancelled)}\n` : '',
    over ? 'over\n' : '',
  ].join('');

async function look(place: Place, owner: number | undefined, from: number): Promise<ShiftNews> {
  const { number, places } = grantedIn(await readFile(besideShift(place, GRANTS), 'utf8'));
  const index = await openRegular(besideShift(place, INDEX), owner);
  try {
    const to = wholeOf((await index.stat()).size);
    if (from > to) throw new Failed('disk_error', 'the list of what a shift did became shorter');
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(index, from, to)) chunks.push(chunk);
    const { results, bytes } = resultsOf(Buffer.concat(chunks), limits.arrayRangesMax);
    const open = tasksIn(places) - to / RECORD;
    return { granted: number, open, from, to: from + bytes, results };
  } finally {
    await index.close();
  }
}
