import { describe, expect, it } from 'vitest';
import type { Account } from '../../src/actors/account/account.ts';
import { keeping } from '../../src/actors/account/keeping.ts';
import { accountRows } from '../../src/actors/session/accounts.ts';
import { memoryStore } from './memory.ts';

const HOUR = 3_600_000;
const charge = { cluster: 'c1', life: 1, since: HOUR, perHour: 2, unitMs: 1 };
const account = (name: string, change: Partial<Account>): Account => ({
  phase: 'open',
  round: 1,
  name,
  spent: 0,
  charges: [],
  ...change,
});

describe('what accounts have cost', () => {
  it('is told of all of them, also of those that cost nothing now, or never did', () => {
    const store = memoryStore();
    const charges = [charge, { ...charge, cluster: 'c2', since: 2 * HOUR, perHour: 1 }];
    store.keep(keeping, '/accounts/lab', account('lab', { spent: 0.5, charges }));
    store.keep(keeping, '/accounts/a#b', account('a#b', { spent: 3 }));
    const budgets = new Map([
      ['lab', 100],
      ['new', 7],
    ]);
    expect(accountRows(store, budgets, 3 * HOUR)).toEqual([
      { name: 'a#b', spent: 3, perHour: 0, clusters: 0 },
      { name: 'lab', spent: 5.5, perHour: 3, clusters: 2, budget: 100 },
      { name: 'new', spent: 0, perHour: 0, clusters: 0, budget: 7 },
    ]);
  });
});
