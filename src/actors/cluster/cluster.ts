import type { Failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { ClusterPhase, Placement, Resources, Tenure } from '../../protocol/model.ts';
import type { Effect, Heard, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { minus } from '../amounts.ts';
import { STANDING } from '../node/node.ts';
import type { Partition } from '../ports.ts';

/** What an attempt holds of a cluster. It ends when the attempt is over, never by a timer. */
export type Hold = {
  readonly job: string;
  readonly attempt: number;
  readonly resources: Resources;
  readonly ports: readonly number[];
  readonly nodes: readonly string[];
  /** Nobody else has anything of these nodes. */
  readonly exclusive?: boolean;
  /** Since when, for whom and for how long: those of before it was there do not say. */
  readonly since?: Millis;
  readonly tenure?: Tenure;
};

export type Member = {
  readonly name: string;
  readonly address: string;
  readonly phase: 'expected' | 'up' | 'silent' | 'gone';
  readonly since: Millis;
  readonly resources: Resources;
  /** It takes no new jobs; `requeue`: nor is it to keep those that it has. */
  readonly drained?: 'keep' | 'requeue';
  readonly labels?: readonly string[];
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
  /** How often a cluster of this name was made; the tokens of one life are no good in another. */
  readonly life: number;
  readonly job: string;
  readonly externalId: string;
  readonly members: readonly Member[];
  readonly holds: readonly Hold[];
  /** Attempts whose hold is over, and that must hear when all of it is gone. */
  readonly left: readonly { readonly job: string; readonly attempt: number }[];
  /** Hash of each node's join token; null until they are drawn. */
  readonly hashes: Readonly<Record<string, string>> | null;
  /** Nodes that the registry expects, or knows; of a cluster that is gone, those it still knows. */
  readonly expected: readonly string[];
  readonly tries: number;
  /** What failed is tried again then; 0: at once. */
  readonly retryAt: Millis;
  readonly detail: string;
  readonly failure: Failure | null;
  readonly since: Millis;
  readonly createdAt: Millis;
  /** Its record is deleted: nobody remembers it. */
  readonly erased: boolean;
  /** The account of the job that it was made for. */
  readonly account: string;
  /** How long it stays after the hold that there is, if that ends well. */
  readonly keepMs: Millis;
  /** While nobody holds it: until when it stays. 0: it is not kept. */
  readonly keptUntil: Millis;
  /** Whether its account counts it, or may: it does so until it was told that it is gone. */
  readonly charged: boolean;
  /** Nodes that its site takes back, or has taken; of one that may not happen to, null. */
  readonly evicted?: readonly string[] | null;
};

export type ClusterHears =
  | 'cluster.claim'
  | 'cluster.unclaim'
  | 'cluster.node'
  | 'cluster.condemn'
  | 'cluster.news'
  | 'cluster.forget'
  | 'cluster.overspent';

export type ClusterEvent =
  | { readonly is: 'again' }
  | { readonly is: 'late' }
  /** A machine that was not attached is to be, once more. */
  | { readonly is: 'attach'; readonly node: string }
  /** What becoming a node is at with a machine, in words for the user. */
  | { readonly is: 'step'; readonly node: string; readonly text: string };

export type ClusterTasks = {
  /** The hash of each node's join token. */
  tokens: readonly [
    { readonly cluster: string; readonly life: number; readonly nodes: readonly string[] },
    Readonly<Record<string, string>>,
  ];
  create: readonly [
    {
      readonly cluster: string;
      readonly life: number;
      readonly job: string;
      readonly owner: string;
      readonly made: Made;
      readonly nodes: readonly string[];
    },
    Partition,
  ];
  /** Resolves never: it lasts as long as its phase, also where machines join by themselves. */
  attach: readonly [
    {
      readonly remote: string;
      readonly cluster: string;
      readonly life: number;
      readonly node: string;
    },
    never,
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
): Cluster => ({ ...cluster, since: now, tries: 0, retryAt: 0, ...change, phase });

/** Enters the same phase once more, with other facts. */
export const once = (cluster: Cluster, change: Partial<Cluster>): Cluster => ({
  ...cluster,
  retryAt: 0,
  ...change,
  round: cluster.round + 1,
});

/** Begins to let it go: what it has at its site is removed, however long that takes. */
export const release = (
  state: Cluster,
  now: Millis,
  why: Failure | null = state.failure,
): Cluster => {
  const detail = why === null ? 'Releasing the partition' : `Releasing the partition: ${why.text}`;
  return to(state, 'releasing', now, { failure: why, detail });
};

export const expect = (name: string, now: Millis): Member => ({
  name,
  address: '',
  phase: 'expected',
  since: now,
  resources: NOTHING,
});

/** Whether a member may be given jobs. */
export const isOpen = ({ evicted }: Cluster, { name, phase, drained }: Member): boolean =>
  phase === 'up' && drained === undefined && evicted?.includes(name) !== true;

/** What a member has free beside what is held of it. */
export const free = (cluster: Cluster, member: Member): Resources =>
  cluster.holds
    .filter((hold) => hold.nodes.includes(member.name))
    .reduce((left, hold) => minus(left, heldOf(hold, member)), member.resources);

/** What a hold takes of one of its nodes. */
export const heldOf = ({ exclusive, resources }: Hold, member: Member): Resources =>
  exclusive ? member.resources : resources;

export const portsOf = (cluster: Cluster, member: Member): number[] =>
  cluster.holds.filter((h) => h.nodes.includes(member.name)).flatMap((h) => [...h.ports]);

export function fromArgs(args: ClusterArgs, now: Millis): Cluster {
  const blank: Cluster = {
    phase: 'gone',
    round: 0,
    name: args.cluster,
    owner: '',
    made: null,
    life: 0,
    job: '',
    externalId: '',
    members: [],
    holds: [],
    left: [],
    hashes: null,
    expected: [],
    tries: 0,
    retryAt: 0,
    detail: '',
    failure: null,
    since: now,
    createdAt: now,
    erased: true,
    account: '',
    keepMs: 0,
    keptUntil: 0,
    charged: false,
    evicted: null,
  };
  if ('externalId' in args) {
    const made = { remote: args.remote, flavor: '-', image: '', price: 0 };
    const stray = { made, externalId: args.externalId, detail: 'a stray', erased: false };
    return { ...blank, ...stray, phase: 'releasing' };
  }
  // Made gone: the claim itself, which follows, begins it. So a name that is unknown stays so.
  return args.cluster === STANDING ? { ...blank, phase: 'up', erased: false } : blank;
}
