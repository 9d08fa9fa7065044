/** Bounds of arrays of tasks. */
export const arrayLimits = {
  /** jobscript: tasks of one array, and the highest index of one. */
  arrayTasksMax: 1_000_000,
  arrayIndexMax: 2 ** 31 - 1,
  /** array: tasks whose states are one part of its record. */
  arrayChunk: 4_096,
  /** array: shifts that are kept in one part of its record. */
  arrayShiftsPerPart: 64,
  /** array: shifts at once; the first few, until it is seen how many get a place. */
  arrayShiftsMax: 1_024,
  arrayShiftsFirst: 16,
  /** array: shifts in a row that may end without the result of any task. */
  arrayBarrenMax: 3,
  /** array: how often a task may be given out that was never heard of again. */
  arrayLossesMax: 3,
  /** array, runner: tasks that are given out at once. */
  arrayGrantMax: 20_000,
  /** Messages: ranges of tasks in one of them; array: more are given another time. */
  arrayRangesMax: 4_096,
  /** runner: how much work a report of a shift covers, once it is known how long tasks take. */
  arrayReportMs: 1_000,
  /** runner: how long a shift without news says nothing; a cancelled task may run on meanwhile. */
  arraySilenceMs: 3_000,
  /** platform: after what time, at first, what a shift has done is looked at again. */
  arrayLookMs: 10,
  /** array: ids of tasks that a terminal may name in one call, as ranges. */
  arrayNamedMax: 100,
} as const;
