import Type, { type Static } from 'typebox';
import type { Site } from '../actors/scheduler/place.ts';
import type { FreeNode } from '../actors/scheduler/spot.ts';
import { emptySpec } from '../protocol/jobscript/spec.ts';
import { limits } from '../protocol/limits.ts';
import { count, labels, list, name, Resources, type Spec } from '../protocol/model.ts';
import type { Policy } from '../protocol/policy.ts';
import type { Millis } from '../runtime/ports.ts';
import type { Past, Trace } from './trace.ts';

const strict = { additionalProperties: false } as const;
const { memoryBytes, gpus, named } = Resources.properties;
const each = {
  cpus: Type.Integer({ minimum: 1, maximum: 65_536 }),
  /** None given: nobody looks at it. */
  memoryBytes: Type.Optional(memoryBytes),
  gpus: Type.Optional(gpus),
};

/** Nodes that are alike; they are called by the name of their group, and a number. */
const Group = Type.Object(
  {
    name,
    count: Type.Integer({ minimum: 1, maximum: limits.groupNodesMax }),
    ...each,
    named,
    labels: Type.Optional(labels),
  },
  strict,
);

const Flavor = Type.Object(
  {
    name,
    ...each,
    /** Per node and hour. */
    price: Type.Number({ minimum: 0 }),
  },
  strict,
);

/** A site that makes a cluster for a job for which no node has room. */
const MakingSite = Type.Object(
  {
    name,
    clusters: count(1_000_000),
    cpus: count(100_000_000),
    /** Between the order and the job's start. */
    bootMs: count(86_400_000),
    /** The time that it bills at least. */
    billingUnitMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
    flavors: Type.Array(Flavor, { minItems: 1, maxItems: limits.groupsMax }),
  },
  strict,
);

/** What a trace is to run on, as its file describes it. */
export const Machine = Type.Object(
  {
    nodes: list(Group, limits.groupsMax),
    sites: Type.Optional(list(MakingSite, limits.groupsMax)),
  },
  strict,
);
export type Machine = Static<typeof Machine>;

/** The machine on which a trace ran; undefined: it tells nothing of it. */
export const machineOf = ({ machine }: Trace): Machine | undefined =>
  machine && { nodes: [{ name: 'node', count: machine.nodes, cpus: machine.cpus }] };

/** More than anything asks for. */
const ENOUGH = 2 ** 52;
export const CLUSTER = 'here';

const resourcesOf = ({ cpus, memoryBytes = ENOUGH, gpus = 0 }: Machine['nodes'][number]) => ({
  ...{ cpus, memoryBytes, gpus },
});

export function nodesOf({ nodes }: Machine): readonly FreeNode[] {
  return nodes.flatMap((group) => {
    const total = { ...resourcesOf(group), ...(group.named && { named: group.named }) };
    return Array.from({ length: group.count }, (_, at) => ({
      ...{ name: `${group.name}-${at + 1}`, cluster: CLUSTER, up: true, free: total, total },
      ports: [],
      ...(group.labels && { labels: group.labels }),
    }));
  });
}

export const cpusOf = ({ nodes }: Machine): number =>
  nodes.reduce((sum, group) => sum + group.count * group.cpus, 0);

/** A site as the scheduler knows it, and what it does not tell the scheduler. */
export type Making = { -readonly [K in keyof Site]: Site[K] } & { readonly bootMs: Millis };

export const sitesOf = ({ sites = [] }: Machine): Making[] =>
  sites.map(({ name: remote, clusters, cpus, bootMs, billingUnitMs, flavors }) => ({
    ...{ remote, clustersMax: clusters, cpusMax: cpus, bootMs },
    ...{ defaultFlavor: '', defaultImage: '', images: [], clusters: 0, cpus: 0 },
    ...(billingUnitMs !== undefined && { unitMs: billingUnitMs }),
    flavors: flavors.map(({ name: flavor, price, ...of }) => ({
      ...{ name: flavor, remote, storageBytes: 0, price },
      resources: resourcesOf({ ...of, name: flavor, count: 1 }),
    })),
  }));

/**
 * What a job of a trace would ask for here. Processors are spread evenly over as few nodes as bear
 * them, of the kind that has the most processors in all. Queues that the policy does not know are
 * no queues.
 */
export function specOf(past: Past, machine: Machine, { queues }: Policy): Spec {
  const { account, queue, walltimeMs, wants } = past;
  const named = { account, walltimeMs, queue: Object.hasOwn(queues, queue) ? queue : '' };
  if (wants.is === 'nodes')
    return { ...(emptySpec as Spec), ...named, ...asked(wants.each), nodes: wants.nodes };
  const perNode = usualOf(machine);
  const nodes = Math.ceil(wants.count / perNode);
  const cpus = Math.ceil(wants.count / nodes);
  const memory = wants.memoryBytes * cpus;
  return { ...(emptySpec as Spec), ...named, nodes, cpus, memoryBytes: memory };
}

const asked = ({ cpus, memoryBytes: memory, gpus: cards, named: countables }: Resources) => ({
  ...{ cpus, memoryBytes: memory, gpus: cards },
  ...(countables && { countables }),
});

const usualOf = ({ nodes, sites = [] }: Machine): number => {
  const all = [...nodes].sort((a, b) => b.count * b.cpus - a.count * a.cpus);
  const flavors = sites.flatMap((site) => site.flavors.map(({ cpus }) => cpus));
  return all[0]?.cpus ?? Math.max(1, ...flavors);
};
