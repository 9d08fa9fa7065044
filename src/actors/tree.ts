import { limits } from '../protocol/limits.ts';
import { defaultPolicy } from '../protocol/policy.ts';
import { split } from '../protocol/ref.ts';
import type { PoolArgs, PoolPolicy } from '../runtime/pool.ts';
import type { Millis, Store } from '../runtime/ports.ts';
import { find } from '../runtime/record.ts';
import type { ChildSpec, Policy, SupervisorArgs } from '../runtime/supervisor.ts';
import type { GroupArgs } from './group/group.ts';
import type { HousekeeperArgs } from './housekeeper/housekeeper.ts';
import { ENDED } from './job/keeping.ts';
import { TOMBS } from './keeping.ts';
import type { SchedulerArgs } from './scheduler/scheduler.ts';

const backoff = { minMs: 100, maxMs: 5_000 };
const policy: Policy = { strategy: 'one', max: 10, withinMs: 60_000, backoff };
const poolPolicy: PoolPolicy = { max: 5, withinMs: 60_000, backoff, openPerStep: 200 };

/** Names of the children of a pool that live from the start: those whose phase asks for more. */
function live(store: Store, pool: string): readonly string[] {
  const names: string[] = [];
  let after = '';
  do {
    const page = find(store, `/live/${pool}`, 10_000, after);
    for (const path of page.paths) names.push(split(path).name);
    after = page.next;
  } while (after !== '');
  return names;
}

const poolOf = (name: string, family: string, store?: Store): ChildSpec => {
  const args: PoolArgs = {
    policy: poolPolicy,
    family,
    // Read anew by each life of the pool: after a crash it must find those that came meanwhile.
    get live() {
      return store ? live(store, name) : [];
    },
  };
  return { name, family: name, args, restart: 'permanent' };
};

export type ControlTree = Omit<SchedulerArgs, 'policy'> & {
  /** Which job goes first as of now, and where. */
  readonly policy?: () => SchedulerArgs['policy'];
  readonly store: Store;
  /** The head that the group begins with, if there is no group yet. */
  readonly founder: GroupArgs;
  /** How long ended jobs are kept; without it, for ever. */
  readonly retentionMs?: Millis;
};

/** The actors of the leader, in the order of their start: who is written to comes first. */
export function controlTree({
  store,
  founder,
  remotes,
  relocate,
  retentionMs,
  policy: order = () => defaultPolicy,
}: ControlTree): SupervisorArgs {
  const gates = remotes.map(
    (remote): ChildSpec => ({
      name: `gate-${remote}`,
      family: 'gate',
      args: { remote },
      restart: 'permanent',
    }),
  );
  const scheduler: SchedulerArgs = {
    relocate,
    remotes,
    // Read anew by each life of the scheduler: operators may have changed it meanwhile.
    get policy() {
      return order();
    },
  };
  return {
    policy,
    children: [
      { name: 'group', family: 'group', args: founder, restart: 'permanent' },
      { name: 'scheduler', family: 'scheduler', args: scheduler, restart: 'permanent' },
      poolOf('accounts', 'account', store),
      { name: 'entries', family: 'entries', args: {}, restart: 'permanent' },
      poolOf('reputes', 'repute', store),
      poolOf('clusters', 'cluster', store),
      poolOf('nodes', 'node', store),
      poolOf('safes', 'safe', store),
      poolOf('users', 'user', store),
      poolOf('heralds', 'herald', store),
      poolOf('jobs', 'job', store),
      { name: 'sweeper', family: 'sweeper', args: {}, restart: 'permanent' },
      poolOf('schedules', 'schedule', store),
      ...gates,
      keeper('housekeeper', {
        node: '',
        rules: [
          ...(retentionMs === undefined ? [] : [{ index: ENDED, keptMs: retentionMs }]),
          { index: TOMBS, keptMs: limits.tombstoneMs },
        ],
      }),
    ],
  };
}

const keeper = (name: string, args: HousekeeperArgs): ChildSpec => ({
  name,
  family: name,
  args,
  restart: 'permanent',
});

/** The sessions of the terminals of any head. */
export const doorTree = (): SupervisorArgs => ({
  policy,
  children: [poolOf('sessions', 'session')],
});

/** The actors of a worker; `node` is its name. */
export const workerTree = (store: Store, node?: string): SupervisorArgs => ({
  policy,
  children: [
    poolOf('runners', 'runner', store),
    ...(node === undefined
      ? []
      : [
          keeper('runner-housekeeper', {
            node,
            rules: [{ index: TOMBS, keptMs: limits.tombstoneMs }],
          }),
        ]),
  ],
});
