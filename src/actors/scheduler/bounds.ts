import type { Resources } from '../../protocol/model.ts';
import { type Bounds, type Policy, queueOf } from '../../protocol/policy.ts';

/** What users, accounts and queues hold, against what they may. */

export type Whose = { readonly owner: string; readonly account: string; readonly queue: string };
type Sum = { readonly jobs: number; readonly cpus: number; readonly gpus: number };
/** By whom: `user ann`, `account lab`, `queue short`, `queue short of ann`. */
export type Tally = ReadonlyMap<string, Sum>;

/** Of what it has too much already for one more. */
export type Over = {
  readonly by: string;
  readonly what: keyof Sum;
  readonly holds: number;
  readonly wants: number;
  readonly most: number;
};

const NONE: Sum = { jobs: 0, cpus: 0, gpus: 0 };

/** Whether anything is bounded at all: else nobody counts. */
export const isBounded = ({ perUser, users, accounts, queues }: Policy): boolean =>
  isAny(perUser) ||
  Object.values(users).some(isAny) ||
  Object.values(accounts).some((account) => isAny(account.limits)) ||
  Object.values(queues).some((queue) => isAny(queue.limits) || isAny(queue.perUser));

const isAny = (bounds: Bounds | undefined): boolean =>
  bounds !== undefined && Object.values(bounds).some((bound) => bound !== undefined);

/** All that a job counts for, and what each may hold. */
function boundsOf(policy: Policy, { owner, account, queue }: Whose): readonly [string, Bounds][] {
  const { limits: ofQueue, perUser } = queueOf(policy, queue) ?? {};
  const all: [string, Bounds | undefined][] = [
    [`user ${owner}`, policy.users[owner] ?? policy.perUser],
    ...lineage(policy, account).map((name): [string, Bounds | undefined] => [
      `account ${name}`,
      policy.accounts[name]?.limits,
    ]),
    [`queue ${queue}`, ofQueue],
    [`queue ${queue} of ${owner}`, perUser],
  ];
  return all.flatMap(([by, bounds]) => (bounds === undefined ? [] : [[by, bounds] as const])) as [
    string,
    Bounds,
  ][];
}

/** An account, the one that it is a part of, and so on. Of a ring each is named once. */
export function lineage({ accounts }: Policy, account: string): readonly string[] {
  const names: string[] = [];
  for (let at: string | undefined = account; at !== undefined && !names.includes(at); ) {
    names.push(at);
    at = accounts[at]?.parent;
  }
  return names;
}

const sumOf = (nodes: number, { cpus, gpus }: Resources): Sum => ({
  jobs: 1,
  cpus: nodes * cpus,
  gpus: nodes * gpus,
});

/** Counts what somebody holds more, in place: a tally is of one pass. */
export function count(
  tally: Map<string, Sum>,
  policy: Policy,
  whose: Whose,
  { nodes, resources }: { readonly nodes: number; readonly resources: Resources },
): void {
  const more = sumOf(nodes, resources);
  for (const [by] of boundsOf(policy, whose)) {
    const { jobs, cpus, gpus } = tally.get(by) ?? NONE;
    tally.set(by, { jobs: jobs + 1, cpus: cpus + more.cpus, gpus: gpus + more.gpus });
  }
}

/** The bound that a job would be over, the first found. */
export function over(
  tally: Tally,
  policy: Policy,
  whose: Whose,
  { nodes, resources }: { readonly nodes: number; readonly resources: Resources },
): Over | undefined {
  const more = sumOf(nodes, resources);
  for (const [by, bounds] of boundsOf(policy, whose))
    for (const what of ['jobs', 'cpus', 'gpus'] as const) {
      const most = bounds[what];
      const holds = (tally.get(by) ?? NONE)[what];
      if (most !== undefined && more[what] > 0 && holds + more[what] > most)
        return { by, what, holds, wants: more[what], most };
    }
  return undefined;
}
