import type { Failure } from '../../protocol/errors.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { ClusterPhase, Placement, Resources } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Effect, Heard, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Partition } from '../ports.ts';

/** What an attempt holds of a cluster. It ends when the attempt is over, never by a timer. */
export type Hold = {
  readonly job: string;
  readonly attempt: number;
  readonly resources: Resources;
  readonly ports: readonly number[];
  readonly nodes: readonly string[];
};

export type Member = {
  readonly name: string;
  readonly address: string;
  readonly phase: 'expected' | 'up' | 'silent' | 'gone';
  readonly since: Millis;
  readonly resources: Resources;
};

/** Of a cluster that was made: where, and of what. */
export type Made = NonNullable<Placement['made']>;

export type Cluster = {
  readonly phase: ClusterPhase;
  readonly round: number;
  readonly name: string;
  readonly owner: string;
  /** Null for nodes that we were given: such a cluster is never removed. */
  readonly made: Made | null;
  readonly job: string;
  readonly externalId: string;
  readonly members: readonly Member[];
  readonly holds: readonly Hold[];
  /** Attempts whose hold is over, and that must hear when all of it is gone. */
  readonly left: readonly { readonly job: string; readonly attempt: number }[];
  /** Nodes whose tokens the registry knows. */
  readonly expected: readonly string[];
  readonly tries: number;
  readonly detail: string;
  readonly failure: Failure | null;
  readonly since: Millis;
  readonly createdAt: Millis;
};

export type ClusterHears = 'cluster.claim' | 'cluster.unclaim' | 'cluster.node' | 'cluster.condemn';

export type ClusterEvent = { readonly is: 'again' } | { readonly is: 'late' };

export type ClusterTasks = {
  /** The hash of each node's join token. */
  tokens: readonly [
    { readonly cluster: string; readonly round: number; readonly nodes: readonly string[] },
    Readonly<Record<string, string>>,
  ];
  create: readonly [
    {
      readonly cluster: string;
      readonly round: number;
      readonly job: string;
      readonly owner: string;
      readonly made: Made;
      readonly nodes: readonly string[];
    },
    Partition,
  ];
  poll: readonly [{ readonly remote: string; readonly cluster: string }, Partition | null];
  remove: readonly [
    { readonly remote: string; readonly cluster: string; readonly externalId: string },
    null,
  ];
};

export type ClusterEffect = Effect<ClusterEvent, ClusterTasks>;
export type ClusterHeard = Heard<ClusterHears, ClusterEvent, ClusterTasks>;
export type ClusterStep = Step<Cluster, ClusterEvent, ClusterTasks>;
export type ToldCluster = Told<ClusterHears>;

/** What makes a cluster: a claim, a node that belongs to none that was made, or a stray. */
export type ClusterArgs =
  | Body<'cluster.claim'>
  | Body<'cluster.node'>
  | Body<'cluster.condemn'>
  | Body<'cluster.unclaim'>;

const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };

export const stay = (cluster: Cluster): ClusterStep => [cluster, []];

export const to = (
  cluster: Cluster,
  phase: ClusterPhase,
  now: Millis,
  change: Partial<Cluster> = {},
): Cluster => ({ ...cluster, since: now, ...change, phase, round: cluster.round });

export const expect = (name: string, now: Millis): Member => ({
  name,
  address: '',
  phase: 'expected',
  since: now,
  resources: NOTHING,
});

export function fromArgs(args: ClusterArgs, now: Millis): Cluster {
  const blank: Cluster = {
    phase: 'up',
    round: 0,
    name: args.cluster,
    owner: '',
    made: null,
    job: '',
    externalId: '',
    members: [],
    holds: [],
    left: [],
    expected: [],
    tries: 0,
    detail: '',
    failure: null,
    since: now,
    createdAt: now,
  };
  if ('externalId' in args) {
    const made = { remote: args.remote, flavor: '-', image: '', price: 0 };
    return { ...blank, phase: 'releasing', made, externalId: args.externalId, detail: 'a stray' };
  }
  if (!('placement' in args)) return blank;
  const { owner, job, placement } = args;
  // Made empty: the claim itself, which follows, is what holds it.
  return placement.made === null
    ? blank
    : { ...blank, owner, job, made: placement.made, phase: 'gone' };
}

/** What each holder is told: how the cluster is, and its own nodes in it. */
export function newsTo(
  cluster: Cluster,
  { job, attempt }: { readonly job: string; readonly attempt: number },
  nodes: readonly string[] | undefined,
): ClusterEffect {
  const members = cluster.members
    .filter((m) => nodes === undefined || nodes.includes(m.name))
    .map(({ name, address, phase, since }) => ({ name, address, phase, since }));
  const { name, phase, detail, failure } = cluster;
  const body = { job, attempt, cluster: name, phase, detail, nodes: members, failure };
  return { do: 'tell', to: control(`/jobs/${job}`), message: message('job.cluster', body) };
}

/** News to all who hold something, and to those who wait until it is gone. */
export const news = (cluster: Cluster): readonly ClusterEffect[] => [
  ...cluster.holds.map((hold) => newsTo(cluster, hold, hold.nodes)),
  ...cluster.left.map((left) => newsTo(cluster, left, undefined)),
  toScheduler(cluster),
];

const minus = (a: Resources, b: Resources): Resources => ({
  cpus: a.cpus - b.cpus,
  memoryBytes: a.memoryBytes - b.memoryBytes,
  gpus: a.gpus - b.gpus,
});

/** What a member has free beside what is held of it. */
export const free = (cluster: Cluster, member: Member): Resources =>
  cluster.holds
    .filter((hold) => hold.nodes.includes(member.name))
    .reduce((left, hold) => minus(left, hold.resources), member.resources);

export const portsOf = (cluster: Cluster, member: Member): number[] =>
  cluster.holds.filter((h) => h.nodes.includes(member.name)).flatMap((h) => [...h.ports]);

export function toScheduler(cluster: Cluster): ClusterEffect {
  const claimed = cluster.phase !== 'gone' && cluster.made !== null;
  const body: Body<'scheduler.cluster'> = {
    cluster: cluster.name,
    open: cluster.made === null && cluster.phase === 'up',
    made:
      claimed && cluster.made
        ? {
            remote: cluster.made.remote,
            flavor: cluster.made.flavor,
            nodes: Math.max(1, cluster.members.length),
          }
        : null,
    nodes: cluster.members
      .filter((m) => m.phase === 'up')
      .map((m) => ({
        name: m.name,
        free: free(cluster, m),
        total: m.resources,
        ports: portsOf(cluster, m),
      })),
  };
  return { do: 'tell', to: control('/scheduler'), message: message('scheduler.cluster', body) };
}
