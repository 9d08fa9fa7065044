import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';

/**
 * Tasks of arrays. Between heads and workers a task goes by its *place*: 0 is the first of its
 * array. Terminals name it by its index, which is what its script sees.
 */

const count = (maximum: number) => Type.Integer({ minimum: 0, maximum });
const tasks = count(limits.arrayTasksMax);
const place = count(limits.arrayTasksMax - 1);
const index = count(limits.arrayIndexMax);
const code = count(255);
const id = Type.String({ maxLength: 64 });

/** Places from one to another, both of them included. */
export const Places = Type.Tuple([place, place]);
export type Places = Static<typeof Places>;

/**
 * How tasks ended that lie side by side: the code of an exit, or the number of a signal. Those that
 * are `returned` were never begun.
 */
export const Results = Type.Object({
  from: place,
  to: place,
  how: Type.Enum(['exited', 'killed', 'late', 'cancelled', 'returned']),
  code,
});
export type Results = Static<typeof Results>;

/** What makes a job a shift: it runs tasks of an array, one after the other. */
export const ShiftOf = Type.Object({
  array: id,
  number: count(2 ** 31),
  /** How long a task may run, ms; 0: as long as it likes. */
  taskMs: count(2 ** 52),
});
export type ShiftOf = Static<typeof ShiftOf>;

/** Tasks by their indexes, as terminals name them: from one to another. */
export const NamedTasks = Type.Array(Type.Tuple([index, index]), {
  maxItems: limits.arrayNamedMax,
});
export type NamedTasks = Static<typeof NamedTasks>;

/** How many tasks of an array are how. */
export const TaskCounts = Type.Object({
  total: tasks,
  waiting: tasks,
  /** Given to a worker, which runs them one after the other. */
  running: tasks,
  good: tasks,
  failed: tasks,
  cancelled: tasks,
});
export type TaskCounts = Static<typeof TaskCounts>;

export const TaskView = Type.Object({
  index,
  state: Type.Enum(['waiting', 'running', 'exited', 'killed', 'late', 'cancelled', 'lost']),
  exitcode: code,
  signal: code,
  /** How often it was tried before, and failed. */
  tries: count(1_000),
  /** The job that runs it, or ran it last; '' before the first. */
  shift: id,
});
export type TaskView = Static<typeof TaskView>;
