import { limits } from '../limits.ts';
import { type Flaw, flaw, quoted } from './flaw.ts';
import type { ArraySpec } from './spec.ts';

const RANGE = /^(\d{1,10})-(\d{1,10})(?::(\d{1,10}))?(?:%(\d{1,10}))?$/d;

/** Array tasks as `A-B[:STEP][%LIMIT]`, both ends included; LIMIT is how many may run at once. */
export function parseArray(text: string): ArraySpec | Flaw {
  const found = RANGE.exec(text);
  if (!found) {
    return flaw(0, `wants A-B[:STEP][%LIMIT], such as 1-100 or 0-99:3%10, not ${quoted(text)}`);
  }
  const [first = 0, last = 0, step = 1, limit = 0] = found
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const startOf = (group: number): number => found.indices?.[group]?.[0] ?? 0;
  if (last < first) return flaw(startOf(2), `the array ends at ${last}, before its begin`);
  if (last > limits.arrayIndexMax) {
    return flaw(startOf(2), `an index is at most ${limits.arrayIndexMax}`);
  }
  if (step === 0) return flaw(startOf(3), 'a step is at least 1');
  if (limit === 0 && found[4] !== undefined) return flaw(startOf(4), 'a limit is at least 1');
  const array = { first, last, step, limit };
  if (tasksOf(array) > limits.arrayTasksMax) {
    return flaw(0, `the array has ${tasksOf(array)} tasks; at most ${limits.arrayTasksMax} may be`);
  }
  return array;
}

/** How many tasks an array has. */
export const tasksOf = (array: ArraySpec): number =>
  Math.floor((array.last - array.first) / array.step) + 1;

/** The index of its last task, which need not be where it ends. */
export const lastOf = (array: ArraySpec): number => array.first + (tasksOf(array) - 1) * array.step;

/** The shortest form that `parseArray` reads. */
export function showArray(array: ArraySpec): string {
  const step = array.step === 1 ? '' : `:${array.step}`;
  return `${array.first}-${array.last}${step}${array.limit === 0 ? '' : `%${array.limit}`}`;
}
