import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster, Hold, Member } from '../../src/actors/cluster/cluster.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Placement } from '../../src/protocol/model.ts';
import { NOW } from './stage.ts';
import { GIB, ID, onMade, onNodes } from './things.ts';

export const MADE = 'swm-0197f3a2';

export const claimOf = (
  placement: Placement,
  change: Partial<Body<'cluster.claim'>> = {},
): Body<'cluster.claim'> => ({
  cluster: placement.cluster,
  job: ID,
  attempt: 1,
  owner: 'ann',
  placement,
  ...change,
});

export const hold = (placement: Placement, change: Partial<Hold> = {}): Hold => ({
  job: ID,
  attempt: 1,
  resources: placement.resources,
  ports: placement.ports,
  nodes: placement.nodes,
  ...change,
});

export const member = (name: string, change: Partial<Member> = {}): Member => ({
  name,
  address: '10.0.0.1',
  phase: 'up',
  since: NOW,
  resources: { cpus: 2, memoryBytes: 4 * GIB, gpus: 0 },
  ...change,
});

/** A cluster that was made for a job, in a phase, with its hold. */
export const made = (phase: Cluster['phase'], change: Partial<Cluster> = {}): Cluster => {
  const placement = onMade(change.members?.length ?? 1);
  const begun = cluster.init(claimOf(placement), NOW);
  return {
    ...begun,
    phase,
    life: 1,
    job: ID,
    owner: 'ann',
    made: placement.made,
    members: placement.nodes.map((name) => member(name)),
    holds: [hold(placement)],
    createdAt: NOW,
    erased: false,
    ...change,
  };
};

/** The nodes that were given to us. */
export const given = (change: Partial<Cluster> = {}): Cluster => ({
  ...cluster.init(claimOf(onNodes('n1')), NOW),
  members: [member('n1'), member('n2')],
  ...change,
});

export const nodeNews = (
  name: string,
  change: Partial<Body<'cluster.node'>> = {},
  of = MADE,
): Body<'cluster.node'> => {
  const { phase, since, address, resources } = member(name);
  return { cluster: of, node: name, phase, since, address, resources, ...change };
};
