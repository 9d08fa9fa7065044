import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { usagePage } from '../../src/actors/session/usage.ts';
import { memoryStore } from './memory.ts';
import { ANN, aJob, BEN, OPERATOR, onNodes } from './things.ts';

const HOUR = 3_600_000;
const store = memoryStore();
const keep = (at: number, change: Partial<Job>, account = ''): void => {
  const id = `${at}`.padStart(8, '0').concat('-0000-8000-8000-000000000000');
  store.keep(keeping, `/jobs/${id}`, { ...aJob(change, { account }), id, submittedAt: at });
};
const two = {
  ...onNodes('n1', 'n2'),
  resources: { cpus: 4, memoryBytes: 0, gpus: 0 },
};
const outcome = { state: 'F', exitcode: 0, signal: 0, failure: null } as const;
const past = { run: 1, attempt: 1, outcome, startedAt: 0, endedAt: HOUR, stdout: null };
const ended = { phase: 'ended', startedAt: HOUR, endedAt: 2 * HOUR } as const;

keep(1, { ...ended, placement: two, spent: 2 }, 'lab');
keep(2, { ...ended, runs: [{ ...past, startedAt: 1, stderr: null, cost: 0.5 }] }, 'lab');
keep(3, { phase: 'running', startedAt: 9 * HOUR, placement: onNodes('n1') });
keep(4, { owner: 'ben' });
keep(5, { ...ended, remains: 'key' });

const NOW = 10 * HOUR;
const all = (user: Parameters<typeof usagePage>[1], asked = {}) =>
  usagePage(store, user, asked, NOW);

describe('usage', () => {
  it('is that of all runs of the jobs that are kept, by the cores that they had', () => {
    const ann = { name: 'ann', jobs: 3, coreMs: 8 * HOUR + (HOUR - 1 + HOUR) + HOUR, cost: 2.5 };
    expect(all(ANN)).toEqual({ rows: [ann], next: '' });
    const ben = { name: 'ben', jobs: 1, coreMs: 0, cost: 0 };
    expect(all(OPERATOR).rows).toEqual([ann, ben]);
    expect(all(BEN).rows).toEqual([ben]);
  });

  it('is told by account as well', () => {
    expect(all(OPERATOR, { by: 'account' }).rows).toMatchObject([
      { name: 'lab', jobs: 2, cost: 2.5 },
      { name: '', jobs: 2, cost: 0 },
    ]);
  });

  it('is of the time asked for, and comes in pages', () => {
    expect(all(OPERATOR, { since: 2, until: 4 }).rows).toMatchObject([{ name: 'ann', jobs: 2 }]);
    const first = all(OPERATOR, { limit: 1 });
    expect(first.rows).toMatchObject([{ name: 'ann', jobs: 1 }]);
    const second = all(OPERATOR, { limit: 3, after: first.next });
    expect(second.rows).toMatchObject([
      { name: 'ann', jobs: 2 },
      { name: 'ben', jobs: 1 },
    ]);
    // The last of a time ends it, whatever follows.
    expect(all(OPERATOR, { limit: 3, until: 2 }).next).toBe('');
    expect(() => all(ANN, { after: first.next })).toThrow('$.after');
  });
});
