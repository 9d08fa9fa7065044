import { failure } from '../protocol/errors.ts';
import type { Families } from '../runtime/family.ts';
import { family } from '../runtime/family.ts';
import { pool } from '../runtime/pool.ts';
import type { Store } from '../runtime/ports.ts';
import { supervisor } from '../runtime/supervisor.ts';
import { accountWith, type Budgets } from './account/account.ts';
import { keeping as accountKeeping } from './account/keeping.ts';
import { cluster } from './cluster/behaviour.ts';
import { keeping as clusterKeeping } from './cluster/keeping.ts';
import { type ClusterPorts, clusterTasks } from './cluster/tasks.ts';
import { entriesOver } from './entries/entries.ts';
import { keeping as entriesKeeping } from './entries/keeping.ts';
import { gate } from './gate/gate.ts';
import { type GatePorts, gateTasks } from './gate/tasks.ts';
import { GROUP_HEARS, group } from './group/group.ts';
import { keeping as groupKeeping } from './group/keeping.ts';
import { type GroupPorts, groupTasks } from './group/tasks.ts';
import { forHeralds } from './herald/family.ts';
import type { HeraldPorts } from './herald/tasks.ts';
import { housekeeper } from './housekeeper/housekeeper.ts';
import { type HousekeeperPorts, housekeeperTasks } from './housekeeper/tasks.ts';
import { job } from './job/behaviour.ts';
import { hasUntold } from './job/changes.ts';
import { keeping as jobKeeping } from './job/keeping.ts';
import { hasLeftArray } from './job/shift.ts';
import { type JobPorts, jobTasks } from './job/tasks.ts';
import { keeping as nodeKeeping } from './node/keeping.ts';
import { node } from './node/node.ts';
import { ownedFamilies } from './owned-families.ts';
import { forReputes } from './repute/family.ts';
import { runner } from './runner/behaviour.ts';
import { keeping as runnerKeeping } from './runner/keeping.ts';
import { type RunnerPorts, runnerTasks } from './runner/tasks.ts';
import type { SchedulePorts } from './schedule/tasks.ts';
import { scheduler } from './scheduler/scheduler.ts';
import { schedulerTasks } from './scheduler/tasks.ts';
import { session, TERMINAL_CALLS } from './session/session.ts';
import { type SessionPorts, sessionTasks } from './session/tasks.ts';
import { keeping as sweeperKeeping } from './sweeper/keeping.ts';
import { sweeper } from './sweeper/sweeper.ts';

export type HeadPorts = AccountPorts &
  JobPorts &
  Omit<SchedulePorts, 'store'> &
  ClusterPorts &
  GatePorts &
  GroupPorts &
  HousekeeperPorts &
  HeraldPorts &
  SessionPorts & {
    /** Lets all else go on that is due: between the steps of long work. */
    readonly turn: () => Promise<void>;
  };

const missing = (what: string) => (name: string) => failure('not_found', `no ${what} ${name}`);
const noTasks = {};

/** Every kind of actor that this node may have. Adding one is a row here and a folder beside. */
export const common: Families = {
  supervisor: family({ behaviour: supervisor, hears: [], tasks: noTasks }),
};

/** What a head has: the control tree, and the sessions of its terminals. */
export const headFamilies = (ports: HeadPorts, store: Store): Families => ({
  ...forJobs(ports),
  ...forHeralds(ports),
  ...forClusters(ports),
  ...forNodes,
  ...ownedFamilies({ ...ports, store }),
  ...forAccounts(ports),
  ...forReputes,
  group: family({
    behaviour: group,
    hears: GROUP_HEARS,
    tasks: groupTasks(ports),
    keeping: groupKeeping,
  }),
  entries: family({
    behaviour: entriesOver(ports.configured),
    hears: ['entry.put'] as const,
    tasks: noTasks,
    keeping: entriesKeeping,
  }),
  gate: family({
    behaviour: gate,
    hears: ['gate.offer', 'gate.list'] as const,
    tasks: gateTasks(ports),
  }),
  sweeper: family({
    behaviour: sweeper,
    hears: ['sweep.confirm'] as const,
    tasks: noTasks,
    keeping: sweeperKeeping,
  }),
  scheduler: family({
    behaviour: scheduler,
    hears: [
      'scheduler.job',
      'scheduler.cluster',
      'scheduler.site',
      'scheduler.why',
      'scheduler.check',
      'scheduler.foresee',
      'scheduler.policy',
      'scheduler.offers',
      'scheduler.repute',
    ] as const,
    tasks: schedulerTasks(store, ports.turn),
  }),
  housekeeper: family({
    behaviour: housekeeper,
    hears: [],
    tasks: housekeeperTasks(store, ports),
  }),
  sessions: family({ behaviour: pool, hears: [], tasks: noTasks }),
  session: family({ behaviour: session, hears: TERMINAL_CALLS, tasks: sessionTasks(ports) }),
});

const forJobs = (ports: JobPorts): Families => ({
  jobs: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: { family: 'job', openedBy: ['job.create'], unknown: missing('job') },
  }),
  job: family({
    behaviour: job,
    hears: [
      'job.create',
      'job.place',
      'job.cancel',
      'job.requeue',
      'job.checkpoint',
      'job.hold',
      'job.release',
      'job.update',
      'job.tie',
      'job.purge',
      'job.cluster',
      'job.report',
      'job.lease',
      'job.secrets',
      'job.overspent',
      'job.await',
      'job.moved',
      'job.preempt',
      'shift.next',
      'array.work',
      'array.left',
    ] as const,
    tasks: jobTasks(ports),
    keeping: jobKeeping,
    rests: (job) =>
      (job.phase === 'queued' || (job.phase === 'ended' && hasLeftArray(job))) && !hasUntold(job),
  }),
});

const forClusters = (ports: ClusterPorts): Families => ({
  clusters: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'cluster',
      openedBy: ['cluster.claim', 'cluster.node', 'cluster.condemn'],
      unknown: missing('cluster'),
    },
  }),
  cluster: family({
    behaviour: cluster,
    hears: [
      'cluster.claim',
      'cluster.unclaim',
      'cluster.node',
      'cluster.condemn',
      'cluster.news',
      'cluster.forget',
      'cluster.overspent',
    ] as const,
    tasks: clusterTasks(ports),
    keeping: clusterKeeping,
    rests: ({ phase }) => phase === 'gone',
  }),
});

export type AccountPorts = { readonly budgets: Budgets };

const forAccounts = ({ budgets }: AccountPorts): Families => ({
  accounts: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: { family: 'account', openedBy: ['account.charge'], unknown: missing('account') },
  }),
  account: family({
    behaviour: accountWith(budgets),
    hears: ['account.charge', 'account.look'] as const,
    tasks: noTasks,
    keeping: accountKeeping,
    rests: ({ charges }) => charges.length === 0,
  }),
});

const forNodes: Families = {
  nodes: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'node',
      openedBy: ['node.expect', 'node.hello'],
      unknown: missing('node'),
    },
  }),
  node: family({
    behaviour: node,
    hears: [
      'node.expect',
      'node.join',
      'node.hello',
      'node.evicted',
      'node.link',
      'node.remove',
      'node.gone',
      'node.drain',
      'node.resume',
      'node.forget',
    ] as const,
    tasks: noTasks,
    keeping: nodeKeeping,
    rests: ({ phase }) => phase === 'gone',
  }),
};

/** What a worker has: a runner per attempt. `store` is of the node alone. */
export const workerFamilies = (ports: RunnerPorts, store?: Store): Families => ({
  ...(store && {
    'runner-housekeeper': family({
      behaviour: housekeeper,
      hears: [],
      tasks: housekeeperTasks(store),
    }),
  }),
  runners: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'runner',
      openedBy: ['runner.order', 'runner.stop'],
      unknown: missing('attempt'),
    },
  }),
  runner: family({
    behaviour: runner,
    hears: [
      'runner.order',
      'runner.go',
      'runner.stop',
      'runner.taken',
      'runner.checkpoint',
      'runner.forget',
    ] as const,
    tasks: runnerTasks(ports),
    keeping: runnerKeeping,
    rests: ({ cleared }) => cleared,
  }),
});
