import type { Places } from '../../protocol/array-model.ts';
import { tasksOf } from '../../protocol/jobscript/arrayrange.ts';
import { limits } from '../../protocol/limits.ts';
import type { Spec } from '../../protocol/model.ts';
import type { Job } from '../job/job.ts';
import { type Change, changedRuns, isGood, kindOf, type Run, type Runs, runsIn } from './runs.ts';

/**
 * The tasks of an array are run by *shifts*: jobs that no list shows, each of which has a slot of
 * a worker and runs what it is granted, one task after the other.
 */
export type Shift = {
  /** The job that it is. */
  readonly id: string;
  /** `asked`: it may wait for a place. `begun`: it has asked for tasks. */
  readonly is: 'asked' | 'begun' | 'over';
  /** The attempt that spoke last; what an earlier one has not told is not told any more. */
  readonly attempt: number;
  /** How many attempts before that one were lost, and not only moved. */
  readonly losses: number;
  /** Up to where its list of results is taken. */
  readonly heard: number;
  /** The number of its last grant, and of what that was. */
  readonly grant: number;
  readonly last: readonly Places[];
  /** Where the tasks are that it has, in the order in which it runs them. */
  readonly open: readonly Places[];
  /** Whether it gave the result of any task. */
  readonly did: boolean;
};

/** How many tasks are how, and shifts. What is not counted here waits. */
export type Tally = {
  readonly given: number;
  readonly good: number;
  readonly failed: number;
  readonly cancelled: number;
  /** No task before this chunk waits. */
  readonly waitsFrom: number;
  /** Shifts that were ever made; those not over; and of them, those that have begun. */
  readonly made: number;
  readonly live: number;
  readonly begun: number;
  /** Shifts in a row that ended without the result of any task. */
  readonly barren: number;
  /** What shifts that are over had of cores. */
  readonly coreMs: number;
};

export type Tasks = {
  readonly total: number;
  readonly tally: Tally;
  /** By chunks of places; null: all of them wait, and nobody had them. */
  readonly chunks: readonly (Runs | null)[];
  /** By their numbers, so many in a part. */
  readonly shifts: readonly (readonly Shift[])[];
  /** Whether ids for more are being drawn, in this life of the actor; it is not kept. */
  readonly drawing?: boolean;
};

/** A job whose script runs once for each index. */
export type ArrayJob = Job & { readonly tasks: Tasks };

export const isArray = (job: Job): job is ArrayJob => job.tasks !== undefined;

type Range = NonNullable<Spec['array']>;

export const newTasks = (range: Range): Tasks => ({
  total: tasksOf(range),
  tally: {
    given: 0,
    good: 0,
    failed: 0,
    cancelled: 0,
    waitsFrom: 0,
    made: 0,
    live: 0,
    begun: 0,
    barren: 0,
    coreMs: 0,
  },
  chunks: Array.from({ length: Math.ceil(tasksOf(range) / limits.arrayChunk) }, () => null),
  shifts: [],
});

/** The places of the tasks whose indexes lie between two, both included; undefined: of none. */
export function between({ spec, tasks }: ArrayJob, from: number, to: number): Places | undefined {
  const { first, step } = spec.array as Range;
  const begin = Math.max(0, Math.ceil((from - first) / step));
  const end = Math.min(tasks.total - 1, Math.floor((to - first) / step));
  return begin <= end ? [begin, end] : undefined;
}

export const indexOf = ({ spec }: ArrayJob, place: number): number =>
  (spec.array as Range).first + place * (spec.array as Range).step;

export const waitingOf = ({ total, tally }: Tasks): number =>
  total - tally.given - tally.good - tally.failed - tally.cancelled;

/** A chunk that nobody had anything of yet. */
const whole = (tasks: Tasks, chunk: number): Runs => [
  Math.min(limits.arrayChunk, tasks.total - chunk * limits.arrayChunk),
  0,
  0,
];

const runsOf = (tasks: Tasks, chunk: number): Runs => tasks.chunks[chunk] ?? whole(tasks, chunk);

/** Runs between two places, both included. */
export function* runsBetween(tasks: Tasks, [from, to]: Places): Generator<Run> {
  for (let chunk = chunkOf(from); chunk <= chunkOf(to); chunk++) {
    const base = chunk * limits.arrayChunk;
    const end = Math.min(to - base, limits.arrayChunk - 1);
    for (const run of runsIn(runsOf(tasks, chunk), Math.max(0, from - base), end))
      yield { ...run, from: base + run.from, to: base + run.to };
  }
}

const chunkOf = (place: number): number => Math.floor(place / limits.arrayChunk);

/** All of the array's places. */
export const all = ({ total }: Tasks): Places => [0, total - 1];

/** The tasks between two places, both included, changed and counted anew. */
export function changed(tasks: Tasks, [from, to]: Places, change: Change): Tasks {
  const chunks = tasks.chunks.slice();
  const counts = { ...tasks.tally };
  for (let chunk = chunkOf(from); chunk <= chunkOf(to); chunk++) {
    const base = chunk * limits.arrayChunk;
    const end = Math.min(to - base, limits.arrayChunk - 1);
    chunks[chunk] = changedRuns(runsOf(tasks, chunk), Math.max(0, from - base), end, (run) => {
      const next = change(run);
      const n = run.to - run.from + 1;
      count(counts, run.word, -n);
      count(counts, next.word, n);
      if (kindOf(next.word) === 'waiting' && chunk < counts.waitsFrom) counts.waitsFrom = chunk;
      return next;
    });
  }
  return { ...tasks, chunks, tally: counts };
}

type Counts = { -readonly [K in keyof Tally]: Tally[K] };

function count(counts: Counts, word: number, n: number): void {
  switch (kindOf(word)) {
    case 'waiting':
      return;
    case 'given':
      counts.given += n;
      return;
    case 'cancelled':
      counts.cancelled += n;
      return;
    default:
      if (isGood(word)) counts.good += n;
      else counts.failed += n;
  }
}

export const shiftOf = ({ shifts }: Tasks, number: number): Shift | undefined =>
  shifts[Math.floor(number / limits.arrayShiftsPerPart)]?.[number % limits.arrayShiftsPerPart];

/** With a shift as it is now; it is counted by what it is. */
export function withShift(tasks: Tasks, number: number, shift: Shift): Tasks {
  const part = Math.floor(number / limits.arrayShiftsPerPart);
  const at = number % limits.arrayShiftsPerPart;
  const before = tasks.shifts[part] ?? [];
  const was = before[at]?.is ?? 'over';
  const shifts = tasks.shifts.slice();
  shifts[part] = at === before.length ? [...before, shift] : before.with(at, shift);
  const { live, begun, made } = tasks.tally;
  const tally = {
    ...tasks.tally,
    made: Math.max(made, number + 1),
    live: live + Number(shift.is !== 'over') - Number(was !== 'over'),
    begun: begun + Number(shift.is === 'begun') - Number(was === 'begun'),
  };
  return { ...tasks, shifts, tally };
}

/** All shifts that are not over, with their numbers. */
export function* liveShifts({ shifts }: Tasks): Generator<readonly [number, Shift]> {
  for (const [part, some] of shifts.entries())
    for (const [at, shift] of some.entries())
      if (shift.is !== 'over') yield [part * limits.arrayShiftsPerPart + at, shift];
}
