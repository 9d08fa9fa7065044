import type { Situation } from './transcripts.ts';

const MINUTE = 60_000;

/** Ten ways to wait. */
export const situations: readonly Situation[] = [
  {
    title: 'The nodes are full',
    nodes: { n1: { cpus: 8 }, n2: { cpus: 8 } },
    runs: [
      { node: 'n1', cpus: 6, asked: 60, ran: 20 },
      { node: 'n2', cpus: 7, asked: 240, ran: 10 },
    ],
    asks: { cpus: 4, walltimeMs: 30 * MINUTE },
  },
  {
    title: 'Gpus of one kind',
    nodes: {
      n6: { cpus: 32, gpus: 4, named: { 'gpu:v100': 4 } },
      n7: { cpus: 32, gpus: 4, named: { 'gpu:a100': 4 } },
    },
    runs: [{ node: 'n7', cpus: 8, gpus: 1, named: { 'gpu:a100': 1 }, asked: 60, ran: 40 }],
    asks: { cpus: 8, gpus: 4, gpuKind: 'a100', walltimeMs: 120 * MINUTE },
  },
  {
    title: 'It would run into nodes that are reserved',
    nodes: { n1: { cpus: 8 } },
    runs: [],
    policy: {
      reservations: [
        {
          ...{ name: 'new disks', nodes: ['n1'] },
          ...{ from: '2026-11-30T16:00:00Z', until: '2026-11-30T18:00:00Z' },
        },
      ],
    },
    asks: { cpus: 4, walltimeMs: 180 * MINUTE },
  },
  {
    title: 'It would put off a start that is promised',
    nodes: { n1: { cpus: 8 }, n2: { cpus: 8 } },
    runs: [{ node: 'n1', cpus: 8, asked: 120, ran: 30 }],
    before: [{ cpus: 8, nodes: 2, walltimeMs: 60 * MINUTE }],
    asks: { cpus: 8, walltimeMs: 120 * MINUTE },
  },
  {
    title: 'Its user holds as much as anybody may',
    nodes: { n1: { cpus: 16 } },
    runs: [{ node: 'n1', cpus: 8, owner: 'ann', asked: 60, ran: 15 }],
    policy: { perUser: { cpus: 8 } },
    asks: { cpus: 1, walltimeMs: 60 * MINUTE },
  },
  {
    title: 'The nodes of its queue are full, others are not',
    nodes: { n1: { cpus: 8 }, m1: { cpus: 8 } },
    runs: [{ node: 'n1', cpus: 8, asked: 90, ran: 45 }],
    policy: { queues: { short: { nodes: ['n*'] }, long: { nodes: ['m*'] } } },
    asks: { cpus: 8, queue: 'short', walltimeMs: 30 * MINUTE },
  },
  {
    title: 'It insists on a label',
    nodes: { n1: { cpus: 8, labels: ['fast-disk'] }, n2: { cpus: 8 } },
    runs: [{ node: 'n1', cpus: 8, asked: 60, ran: 5 }],
    asks: { cpus: 8, constraint: ['fast-disk'], walltimeMs: 30 * MINUTE },
  },
  {
    title: 'Nothing overtakes the one before it',
    nodes: { n1: { cpus: 8 } },
    runs: [{ node: 'n1', cpus: 4, asked: 60, ran: 10 }],
    policy: { backfill: 'off', reserve: 0 },
    before: [{ cpus: 8, walltimeMs: 60 * MINUTE }],
    asks: { cpus: 4, walltimeMs: 30 * MINUTE },
  },
  {
    title: 'A site would make room, for money',
    nodes: { n1: { cpus: 8 } },
    runs: [{ node: 'n1', cpus: 8, asked: 0, ran: 600 }],
    sites: [
      {
        ...{ remote: 'azure-west', clustersMax: 4, cpusMax: 64, defaultFlavor: '' },
        ...{
          defaultImage: 'host',
          images: [{ name: 'host', remote: 'azure-west', kind: 'cloud' }],
        },
        flavors: [
          {
            ...{ name: 'Standard_D8s_v5', remote: 'azure-west', storageBytes: 0, price: 0.384 },
            resources: { cpus: 8, memoryBytes: 32 * 2 ** 30, gpus: 0 },
          },
        ],
      },
    ],
    asks: { cpus: 8, walltimeMs: 60 * MINUTE },
  },
  {
    title: 'Half of its gang is missing',
    nodes: { n1: { cpus: 8 } },
    runs: [],
    asks: { cpus: 2, gang: 'pair', gangSize: 2, walltimeMs: 60 * MINUTE },
  },
];
