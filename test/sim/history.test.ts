import { describe, expect, it } from 'vitest';
import { type Call, isLinearizable, type JobOp, jobModel, type Model, rankOf } from './history.ts';

type Op = { readonly put: number } | { readonly got: number };
const register: Model<number, Op> = {
  first: 0,
  after: (state, op) => ('put' in op ? op.put : op.got === state ? state : undefined),
};
const put = (called: number, returned: number, value: number): Call<Op> => ({
  called,
  returned,
  op: { put: value },
});
const got = (called: number, returned: number, value: number): Call<Op> => ({
  called,
  returned,
  op: { got: value },
});
const NEVER = Number.POSITIVE_INFINITY;

describe('histories of a register', () => {
  it.each([
    ['nothing', []],
    ['one after the other', [put(0, 1, 7), got(2, 3, 7)]],
    ['a read beside a write, which sees it', [put(0, 9, 7), got(1, 2, 7)]],
    ['a read beside a write, which does not', [put(0, 9, 7), got(1, 2, 0)]],
    ['writes at once, in either order', [put(0, 9, 1), put(0, 9, 2), got(10, 11, 1)]],
    [
      'a write that was never answered, and is seen late',
      [put(0, NEVER, 7), got(5, 6, 0), got(7, 8, 7)],
    ],
    ['a write that was never answered, and never seen', [put(0, NEVER, 7), got(5, 6, 0)]],
    ['an answer at the instant of the next call', [put(0, 1, 7), got(1, 2, 0)]],
  ] as const)('takes %s', (_, calls) => {
    expect(isLinearizable([...calls], register)).toBe(true);
  });

  it.each([
    ['a read that misses what was written before', [put(0, 1, 7), got(2, 3, 0)]],
    ['a read of what nobody wrote', [put(0, 1, 7), got(0, 3, 8)]],
    ['a read that goes back', [put(0, 9, 7), got(1, 2, 7), got(3, 4, 0)]],
    [
      'reads that see two writes in different orders',
      [put(0, 9, 1), put(0, 9, 2), got(10, 11, 1), got(12, 13, 2)],
    ],
    [
      'what was never answered, seen and then unseen',
      [put(0, NEVER, 7), got(1, 2, 7), got(3, 4, 0)],
    ],
  ] as const)('refuses %s', (_, calls) => {
    expect(isLinearizable([...calls], register)).toBe(false);
  });
});

const call = (called: number, returned: number, op: JobOp): Call<JobOp> => ({
  called,
  returned,
  op,
});
const show = (called: number, returned: number, at: number | undefined): Call<JobOp> =>
  call(called, returned, { do: 'show', at });
const submit = { do: 'submit' } as const;
const purge = { do: 'purge' } as const;

describe('histories of a job', () => {
  it.each([
    [
      'one that goes on by itself',
      [call(0, 1, submit), show(2, 3, rankOf(1, false)), show(4, 5, rankOf(1, true))],
    ],
    ['one seen before its submit is answered', [call(0, 9, submit), show(1, 2, rankOf(1, false))]],
    ['one not seen before its submit is answered', [call(0, 9, submit), show(1, 2, undefined)]],
    [
      'one that runs again',
      [call(0, 1, submit), show(2, 3, rankOf(1, true)), show(4, 5, rankOf(2, false))],
    ],
    ['one that is forgotten', [call(0, 1, submit), call(2, 3, purge), show(4, 5, undefined)]],
  ] as const)('take %s', (_, calls) => {
    expect(isLinearizable([...calls], jobModel)).toBe(true);
  });

  it.each([
    ['one that is lost', [call(0, 1, submit), show(2, 3, undefined)]],
    [
      'one that goes back',
      [call(0, 1, submit), show(2, 3, rankOf(2, false)), show(4, 5, rankOf(1, false))],
    ],
    [
      'one whose end is undone',
      [call(0, 1, submit), show(2, 3, rankOf(1, true)), show(4, 5, rankOf(1, false))],
    ],
    ['one that nobody submitted', [show(2, 3, 2)]],
    [
      'one that is there after it was forgotten',
      [call(0, 1, submit), call(2, 3, purge), show(4, 5, 2)],
    ],
  ] as const)('refuse %s', (_, calls) => {
    expect(isLinearizable([...calls], jobModel)).toBe(false);
  });
});
