import { limits } from '../../protocol/limits.ts';
import type { Resources } from '../../protocol/model.ts';
import type { Policy } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import { lineage } from './bounds.ts';

/** How much of what is here accounts have used, beside how much is theirs. */

/** Cpus times milliseconds, as of an instant; what is past counts half each half-life. */
export type Used = { readonly amount: number; readonly at: Millis };
export type Usage = ReadonlyMap<string, Used>;

type Spent = { readonly nodes: number; readonly resources: Resources; readonly ms: Millis };

/** Gpus are dear: each counts as so many cpus. */
export const spentBy = ({ nodes, resources: { cpus, gpus }, ms }: Spent): number =>
  nodes * (cpus + gpus * limits.gpuAsCpus) * ms;

/** What begins counts as used before it is: else one account got all that is free at once. */
export const inAdvance = (walltimeMs: Millis): Millis =>
  Math.min(walltimeMs || limits.inAdvanceMs, limits.inAdvanceMs);

const decayed = ({ amount, at }: Used, now: Millis, halfLifeMs: Millis): number =>
  amount * 2 ** (-Math.max(0, now - at) / halfLifeMs);

/** What was used before, and what an account has used besides. */
export function used(
  usage: Usage,
  account: string,
  amount: number,
  { now, policy }: { readonly now: Millis; readonly policy: Policy },
): Usage {
  const { halfLifeMs } = policy.fairShare;
  const before = usage.get(account) ?? { amount: 0, at: now };
  const at = Math.max(before.at, now);
  const sum = decayed(before, at, halfLifeMs) + decayed({ amount, at: now }, at, halfLifeMs);
  return new Map(usage).set(account, { amount: sum, at });
}

/** All usage as of one instant, with that of the accounts above, and those that are below none. */
export type Shares = {
  readonly policy: Policy;
  readonly total: number;
  readonly amounts: Map<string, number>;
  readonly beside: ReadonlyMap<string, number>;
};

/** Counts from here on; `running`: what is held now, by account. */
export function sharesOf(
  usage: Usage,
  running: Iterable<readonly [account: string, amount: number]>,
  { now, policy }: { readonly now: Millis; readonly policy: Policy },
): Shares {
  const amounts = new Map<string, number>();
  let total = 0;
  const add = (account: string, amount: number): void => {
    total += amount;
    spend({ policy, amounts }, account, amount);
  };
  for (const [account, of] of usage) add(account, decayed(of, now, policy.fairShare.halfLifeMs));
  for (const [account, amount] of running) add(account, amount);
  return { policy, total, amounts, beside: besideOf(policy, [...amounts.keys()]) };
}

/** An account uses more, and so do those above it. */
export function spend(
  { policy, amounts }: Pick<Shares, 'policy' | 'amounts'>,
  account: string,
  amount: number,
): void {
  for (const name of lineage(policy, account)) amounts.set(name, (amounts.get(name) ?? 0) + amount);
}

const sharesAs = ({ accounts }: Policy, name: string): number => accounts[name]?.shares ?? 1;
const parentOf = ({ accounts }: Policy, name: string): string => accounts[name]?.parent ?? TOP;
/** No account is called so. */
const TOP = '\n';

/** By parent: the shares of all who share with one another, those who are in no list with them. */
function besideOf(policy: Policy, seen: readonly string[]): ReadonlyMap<string, number> {
  const beside = new Map<string, number>();
  for (const name of new Set([...Object.keys(policy.accounts), ...seen])) {
    const parent = parentOf(policy, name);
    beside.set(parent, (beside.get(parent) ?? 0) + sharesAs(policy, name));
  }
  return beside;
}

/** How little the accounts below an account count against those beside it. */
const BELOW = 1 / 16;

/**
 * Nearly 1 for an account that has used nothing, a half for one that has used just its share. It
 * is first compared with those beside the account at the top, then with those beside the next, so
 * that what one does not use is for those who share with it.
 */
export function factorOf({ policy, total, amounts, beside }: Shares, account: string): number {
  let factor = 1 / 2;
  for (const name of lineage(policy, account)) {
    const parent = parentOf(policy, name);
    const all = parent === TOP ? total : (amounts.get(parent) ?? 0);
    const part = all === 0 ? 0 : (amounts.get(name) ?? 0) / all;
    const due = sharesAs(policy, name) / (beside.get(parent) ?? sharesAs(policy, name));
    factor = (1 - BELOW) * 2 ** (-part / due) + BELOW * factor;
  }
  return factor;
}
