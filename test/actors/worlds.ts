import type { Picture } from '../../src/actors/scheduler/fit.ts';
import type { Held } from '../../src/actors/scheduler/land.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import type { FreeNode } from '../../src/actors/scheduler/spot.ts';
import type { Tenure } from '../../src/protocol/model.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import type { Dice } from '../sim/dice.ts';
import { idOf, job, resources } from './pictures.ts';
import { spec } from './things.ts';

/** Small worlds by dice: a few nodes, what runs there, a few who wait, and some policy. */

export const AT = 1_000_000;
/** Instants of these worlds are so far apart. */
export const STEP = 60_000;
const SPEC = spec();

export type World = Picture & {
  readonly policy: Policy;
  readonly holds: readonly Held[];
};

const OWNERS = ['ann', 'ben'];
const ACCOUNTS = ['lab', 'firm'];

export function world(dice: Dice): World {
  const nodes = Array.from({ length: dice.between(1, 4) }, (_, i) => bare(dice, i));
  const holds: Held[] = [];
  const busy = nodes.map((each) => (dice.chance(0.6) ? occupied(dice, each, holds) : each));
  const policy = aPolicy(dice);
  return {
    nodes: busy,
    holds,
    policy,
    sites: [],
    warm: [],
    relocate: 'asked',
    waiting: Array.from({ length: dice.between(1, 7) }, (_, i) => waits(dice, i, policy)),
  };
}

const bare = (dice: Dice, i: number): FreeNode => {
  const total = resources(dice.between(1, 4), dice.between(0, 1), 0);
  return {
    name: `n${i}`,
    cluster: dice.chance(0.85) ? 'here' : 'there',
    up: dice.chance(0.9),
    free: total,
    total,
    ports: [],
    ...(dice.chance(0.3) && { labels: ['fast'] }),
  };
};

export const tenure = (change: Partial<Tenure> = {}): Tenure => ({
  owner: 'ann',
  account: 'lab',
  queue: '',
  priority: 0,
  preemptible: false,
  walltimeMs: 0,
  ...change,
});

function occupied(dice: Dice, node: FreeNode, holds: Held[]): FreeNode {
  const cpus = dice.between(1, node.total.cpus);
  const since = AT - STEP * dice.between(0, 5);
  holds.push({
    job: idOf(100 + holds.length),
    attempt: 1,
    resources: resources(cpus, 0, 0),
    ports: [],
    nodes: [node.name],
    since,
    tenure: tenure({
      owner: dice.pick(OWNERS),
      account: dice.pick(ACCOUNTS),
      priority: dice.between(-1, 1),
      preemptible: dice.chance(0.4),
      walltimeMs: dice.chance(0.2) ? 0 : AT - since + STEP * dice.between(1, 6),
    }),
  });
  const { total } = node;
  return { ...node, free: { ...total, cpus: total.cpus - cpus } };
}

function waits(dice: Dice, i: number, { queues }: Policy): Waiting {
  const gang = dice.chance(0.12) ? 'g' : '';
  const asked = {
    ...SPEC,
    account: dice.pick(ACCOUNTS),
    cpus: dice.between(1, 4),
    memoryBytes: 0,
    gpus: dice.chance(0.15) ? 1 : 0,
    nodes: dice.chance(0.75) ? 1 : dice.between(2, 3),
    priority: dice.chance(0.7) ? 0 : dice.between(-1, 2),
    walltimeMs: dice.chance(0.15) ? 0 : STEP * dice.between(1, 6),
    exclusive: dice.chance(0.1),
    constraint: dice.chance(0.1) ? ['fast'] : [],
    queue: dice.chance(0.2) ? (Object.keys(queues)[0] ?? '') : '',
    gang,
    gangSize: gang === '' ? 0 : 2,
  };
  const submittedAt = AT - STEP * dice.between(0, 9);
  return { ...job(i, {}), spec: asked, submittedAt, owner: dice.pick(OWNERS) };
}

const iso = (at: number): string => new Date(at).toISOString().replace('.000', '');

const aPolicy = (dice: Dice): Policy => ({
  ...defaultPolicy,
  place: dice.pick(['pack', 'spread']),
  backfill: dice.pick(['easy', 'easy', 'conservative', 'off']),
  reserve: dice.between(0, 3),
  ageing: { perHour: dice.pick([0, 0, 3]), max: 2 },
  fairShare: { ...defaultPolicy.fairShare, weight: dice.pick([0, 0, 2]) },
  preemption: { by: dice.pick(['off', 'requeue']), graceMs: STEP / 2 },
  queues: dice.chance(0.3) ? { short: { nodes: ['n0', 'n1*'], timeMaxMs: 4 * STEP } } : {},
  perUser: dice.chance(0.3) ? { cpus: dice.between(2, 6) } : {},
  accounts: dice.chance(0.2) ? { lab: { limits: { jobs: dice.between(1, 3) } } } : {},
  reservations: dice.chance(0.15)
    ? [
        {
          name: 'mend',
          nodes: [dice.pick(['n0', '*1', '*'])],
          from: iso(AT + STEP * dice.between(-2, 3)),
          until: iso(AT + STEP * dice.between(4, 6)),
          ...(dice.chance(0.5) && { users: ['ann'] }),
        },
      ]
    : [],
});
