import type { Places, Results } from '../../protocol/array-model.ts';
import { limits } from '../../protocol/limits.ts';
import {
  changed,
  runsBetween,
  type Shift,
  shiftOf,
  type Tasks,
  waitingOf,
  withShift,
} from './array.ts';
import { kindOf, taskOf, wordOf } from './runs.ts';

/** How tasks go to a shift, and come back from it. A task is of one shift at a time. */

/** Gives a shift tasks that wait, in their order; none if there are none. */
export function grant(tasks: Tasks, number: number, wants: number): Tasks {
  const shift = shiftOf(tasks, number) as Shift;
  const places = waitingFirst(tasks, fairOf(tasks, wants));
  if (places.length === 0) return tasks;
  let next = tasks;
  for (const some of places)
    next = changed(next, some, ({ word }) => {
      const task = taskOf(word);
      return { word: wordOf({ ...task, kind: 'given', code: 0 }), shift: number };
    });
  const { tally } = next;
  const last = places.at(-1)?.[0] ?? 0;
  const waitsFrom = Math.max(tally.waitsFrom, Math.floor(last / limits.arrayChunk));
  const open = [...shift.open, ...places];
  return withShift({ ...next, tally: { ...tally, waitsFrom } }, number, {
    ...shift,
    grant: shift.grant + 1,
    last: places,
    open,
  });
}

/**
 * Towards the end each gets less, so that all end at one time; but not so little that it would be
 * back for more at once.
 */
function fairOf(tasks: Tasks, wants: number): number {
  const share = waitingOf(tasks) / (2 * Math.max(1, tasks.tally.begun));
  return Math.min(wants, Math.ceil(Math.max(1, share, wants / 4)));
}

function waitingFirst(tasks: Tasks, wants: number): readonly Places[] {
  const found: Places[] = [];
  let left = wants;
  const begin = tasks.tally.waitsFrom * limits.arrayChunk;
  for (const { from, to, word } of runsBetween(tasks, [begin, tasks.total - 1])) {
    if (left <= 0 || found.length === limits.arrayRangesMax) break;
    if (kindOf(word) !== 'waiting') continue;
    const end = Math.min(to, from + left - 1);
    const before = found.at(-1);
    if (before !== undefined && before[1] === from - 1) before[1] = end;
    else found.push([from, end]);
    left -= end - from + 1;
  }
  return found;
}

/** Takes results of tasks that the shift has; of any other it may say what it likes. */
export function take(
  tasks: Tasks,
  number: number,
  { results, to, retries }: { results: readonly Results[]; to: number; retries: number },
): Tasks {
  let next = tasks;
  let did = false;
  for (const { from, to: end, how, code } of results) {
    if (end < from || end >= tasks.total) continue;
    next = changed(next, [from, end], ({ word, shift }) => {
      const task = taskOf(word);
      if (task.kind !== 'given' || shift !== number) return { word, shift };
      if (how === 'returned') return back(number)({ word, shift });
      did = true;
      const failed = how !== 'cancelled' && !(how === 'exited' && code === 0);
      const isAgain = failed && !task.unwanted && task.tries < retries;
      const then = { ...task, unwanted: false, losses: 0 };
      return isAgain
        ? { word: wordOf({ ...then, kind: 'waiting', code: 0, tries: task.tries + 1 }), shift }
        : { word: wordOf({ ...then, kind: how, code }), shift };
    });
  }
  const shift = shiftOf(next, number) as Shift;
  const open = shift.open.flatMap((places) => trimmed(next, number, places));
  return withShift(next, number, { ...shift, heard: to, open, did: shift.did || did });
}

/** From the first to the last that the shift has still. */
function trimmed(tasks: Tasks, number: number, places: Places): Places[] {
  let from = -1;
  let to = -1;
  for (const run of runsBetween(tasks, places)) {
    if (kindOf(run.word) !== 'given' || run.shift !== number) continue;
    if (from < 0) from = run.from;
    to = run.to;
  }
  return from < 0 ? [] : [[from, to]];
}

/**
 * A shift is over, or one attempt of it: what it has and has not told goes to others. The first of
 * that was running; one that has gone with its shift too often is given up, lest it ends them all.
 */
export function giveBack(tasks: Tasks, number: number, isItsFault: boolean): Tasks {
  const shift = shiftOf(tasks, number) as Shift;
  let next = tasks;
  let isRunning = isItsFault;
  for (const [begin, end] of shift.open) {
    if (isRunning) {
      next = changed(next, [begin, begin], lost(number));
      isRunning = false;
      if (begin < end) next = changed(next, [begin + 1, end], back(number));
    } else next = changed(next, [begin, end], back(number));
  }
  return withShift(next, number, { ...shift, open: [], last: [] });
}

type Part = { readonly word: number; readonly shift: number };

const back =
  (number: number) =>
  ({ word, shift }: Part): Part => {
    const task = taskOf(word);
    if (task.kind !== 'given' || shift !== number) return { word, shift };
    const kind = task.unwanted ? 'cancelled' : 'waiting';
    return { word: wordOf({ ...task, kind, unwanted: false }), shift };
  };

const lost =
  (number: number) =>
  (part: Part): Part => {
    const task = taskOf(part.word);
    if (task.kind !== 'given' || part.shift !== number || task.unwanted) return back(number)(part);
    const losses = task.losses + 1;
    const kind = losses >= limits.arrayLossesMax ? 'lost' : 'waiting';
    return { word: wordOf({ ...task, kind, losses }), shift: number };
  };

/** What a shift has that is wanted no more. */
export function unwantedOf(tasks: Tasks, number: number): Places[] {
  const found: Places[] = [];
  for (const places of shiftOf(tasks, number)?.open ?? [])
    for (const { from, to, word, shift } of runsBetween(tasks, places))
      if (shift === number && taskOf(word).unwanted && found.length < limits.arrayRangesMax)
        found.push([from, to]);
  return found;
}

/** Those that wait are cancelled; those that a shift has are to be left out there, or ended. */
export const cancelIn = (tasks: Tasks, places: Places): Tasks =>
  changed(tasks, places, ({ word, shift }) => {
    const task = taskOf(word);
    if (task.kind === 'waiting') return { word: wordOf({ ...task, kind: 'cancelled' }), shift };
    if (task.kind === 'given') return { word: wordOf({ ...task, unwanted: true }), shift };
    return { word, shift };
  });

/** Those that have ended wait again, with all their tries. */
export const requeueIn = (tasks: Tasks, places: Places): Tasks =>
  changed(tasks, places, ({ word, shift }) =>
    ['waiting', 'given'].includes(kindOf(word)) ? { word, shift } : { word: 0, shift },
  );
