import { expect } from 'vitest';
import type { ArrayJob } from '../../src/actors/array/array.ts';
import { tasksOf } from '../../src/actors/array/view.ts';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Results } from '../../src/protocol/array-model.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { done, Stage, told } from './stage.ts';
import { aJob, ID } from './things.ts';

export const range = { first: 10, last: 28, step: 2, limit: 4 };
export const id = (n: number): string =>
  `${String(n).padStart(8, '0')}-0000-7000-8000-000000000000`;
export const on = (asked: Partial<Spec> = {}) =>
  new Stage<ArrayJob>(job, aJob({}, { array: range, ...asked }) as ArrayJob);
export const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => id(from + i));
export const created = (...numbers: number[]): string[] =>
  numbers.map((n) => `ask /jobs/${id(n)} job.create (create/${n})`);
export const exited = (from: number, to: number, code = 0): Results => ({
  from,
  to,
  how: 'exited',
  code,
});

/** Shift `number` tells of results, as its list of them grows by a byte for each. */
export const work = (
  number: number,
  from: number,
  results: readonly Results[],
  change: Partial<Body<'array.work'>> = {},
) =>
  told(
    'array.work',
    {
      job: ID,
      shift: id(number),
      number,
      attempt: 1,
      losses: 0,
      from,
      to: from + results.length,
      results: [...results],
      granted: 0,
      wants: 4,
      ...change,
    },
    5,
  );
export const left = (number: number, change: Partial<Body<'array.left'>> = {}) => {
  const body = { job: ID, shift: id(number), number, isCancelled: false, failure: null };
  return told('array.left', { ...body, cost: 0, coreMs: 0, ...change }, 6);
};
export const LEFT = 'reply 6 {}';

/** What a shift was answered. */
export const answer = (stage: Stage<ArrayJob>): Reply<'array.work'> => {
  const found = stage.raw.filter((effect) => effect.do === 'reply' && effect.ask === 5);
  expect(found).toHaveLength(1);
  return (found[0] as unknown as { body: Reply<'array.work'> }).body;
};
export const counts = ({ state }: Stage<ArrayJob>) => {
  const { total: _, ...others } = tasksOf(state);
  return Object.values(others).join(' ');
};

/** Four shifts were made, and number 0 has begun with the first tasks. */
export function begun(asked: Partial<Spec> = {}): Stage<ArrayJob> {
  const stage = on(asked);
  stage.hears(done('draw', ids(0, 3)), work(0, 0, []));
  expect(answer(stage)).toMatchObject({ grant: 1, places: [[0, 3]] });
  return stage;
}

/** An array of four tasks, all of which shift 0 has. */
export function given(): Stage<ArrayJob> {
  const stage = on({ array: { first: 1, last: 4, step: 1, limit: 0 } });
  stage.hear(done('draw', ids(0, 3)));
  for (const granted of [0, 1, 2]) stage.hear(work(0, 0, [], { granted }));
  expect(counts(stage)).toBe('0 4 0 0 0');
  return stage;
}
