import { userInfo } from 'node:os';
import type { Client } from '../../client/client.ts';
import { slurmId } from '../../protocol/jobscript/slurm-environment.ts';
import { limits } from '../../protocol/limits.ts';
import type { JobRow } from '../../protocol/model.ts';
import type { Asked } from './asked.ts';
import { partitionOf, type State, stateOf, statesIn } from './states.ts';

/** The options by which Slurm's commands choose jobs; each has some of them. */
export const choices = {
  name: { takes: 'value', short: 'n' },
  user: { takes: 'value', short: 'u' },
  me: { takes: 'nothing' },
  account: { takes: 'value', short: 'A' },
  partition: { takes: 'value', short: 'p' },
} as const;
type Choice = keyof typeof choices;

/** Which jobs are wanted; an empty list wants all. */
type Wanted = {
  readonly ids: readonly string[];
  readonly names: readonly string[];
  readonly users: readonly string[];
  readonly accounts: readonly string[];
  readonly partitions: readonly string[];
  readonly states: ReadonlySet<State>;
};

/**
 * The jobs that the options choose, the oldest first; of these ids and states, if there are any.
 * Whoever names the account that they have on this machine means themselves, by whatever name swm
 * knows them.
 */
export async function chosen(
  client: Client,
  command: string,
  asked: Pick<Asked<Choice>, 'list' | 'has'>,
  { ids, states }: { readonly ids: readonly string[]; readonly states: readonly string[] },
): Promise<readonly JobRow[]> {
  const wanted: Wanted = {
    ids: ids.map((id) => id.toLowerCase()),
    names: asked.list('name'),
    users: await usersOf(client, [...asked.list('user'), ...(asked.has('me') ? [ownName()] : [])]),
    accounts: asked.list('account'),
    partitions: asked.list('partition'),
    states: statesIn(command, states),
  };
  return (await listed(client)).filter((job) => isWanted(job, wanted));
}

const ownName = (): string => userInfo().username;

async function usersOf(client: Client, names: readonly string[]): Promise<readonly string[]> {
  if (!names.includes(ownName())) return names;
  return [...names, (await client.call('user.show', {})).id];
}

function isWanted(job: JobRow, wanted: Wanted): boolean {
  const { ids, names, users, accounts, partitions, states } = wanted;
  const isIn = (list: readonly string[], value: string): boolean =>
    list.length === 0 || list.includes(value);
  return (
    (ids.length === 0 || ids.some((id) => job.id.startsWith(id))) &&
    isIn(names, job.name) &&
    isIn(users, job.owner) &&
    isIn(accounts, job.account) &&
    isIn(partitions, partitionOf(job)) &&
    (states.size === 0 || states.has(stateOf(job)))
  );
}

/** All jobs that are kept. */
export async function listed(client: Client): Promise<readonly JobRow[]> {
  const rows: JobRow[] = [];
  for (let after = ''; ; ) {
    const page = await client.call('job.list', { limit: limits.pageMax, after });
    rows.push(...page.jobs);
    if (page.next === '') return rows;
    after = page.next;
  }
}

/** As the commands show it. */
export const idOf = (job: JobRow): string => slurmId(job.id);
