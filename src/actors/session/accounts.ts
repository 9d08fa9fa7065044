import type { AccountRow } from '../../protocol/terminal-shapes.ts';
import type { Millis, Records } from '../../runtime/ports.ts';
import { load, pathsBelow } from '../../runtime/record.ts';
import { type Account, type Budgets, costAt } from '../account/account.ts';
import { keeping } from '../account/keeping.ts';

/** What accounts have cost by now, and may cost: of those that cost something, or have a budget. */
export function accountRows(store: Records, budgets: Budgets, now: Millis): AccountRow[] {
  const rows = new Map<string, AccountRow>();
  for (const name of budgets.keys()) rows.set(name, rowOf(fresh(name), budgets, now));
  for (const path of pathsBelow(store, '/accounts')) {
    const account = load(store, keeping, path)?.state;
    if (account !== undefined) rows.set(account.name, rowOf(account, budgets, now));
  }
  return [...rows.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const fresh = (name: string): Account => ({
  phase: 'open',
  round: 0,
  name,
  spent: 0,
  charges: [],
});

function rowOf(account: Account, budgets: Budgets, now: Millis): AccountRow {
  const { name, charges } = account;
  const budget = budgets.get(name);
  return {
    name,
    spent: costAt(account, now),
    perHour: charges.reduce((sum, { perHour }) => sum + perHour, 0),
    clusters: charges.length,
    ...(budget !== undefined && { budget }),
  };
}
