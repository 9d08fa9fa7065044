import { newJob } from '../../src/actors/job/birth.ts';
import type { Job } from '../../src/actors/job/job.ts';
import type { Report } from '../../src/protocol/attempt.ts';
import { emptySpec } from '../../src/protocol/jobscript/spec.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Placement, Spec } from '../../src/protocol/model.ts';
import { NOW } from './stage.ts';

export const ID = '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6';
export const OTHER = '11111111-2222-7333-8444-555555555555';
export const ANN = { door: 'terminal', id: 'ann' } as const;
export const BEN = { door: 'terminal', id: 'ben' } as const;
export const OPERATOR = { door: 'operator', id: 'root' } as const;
export const worker = (id: string) => ({ door: 'worker', id }) as const;

export const spec = (change: Partial<Spec> = {}): Spec => ({ ...(emptySpec as Spec), ...change });

export const GIB = 2 ** 30;
export const one = { cpus: 1, memoryBytes: 0, gpus: 0 };

/** On nodes that were given to us. */
export const onNodes = (...nodes: string[]): Placement => ({
  cluster: 'here',
  nodes,
  made: null,
  resources: one,
  ports: [],
});

/** On a cluster to be made. */
export const onMade = (count = 1): Placement => ({
  cluster: 'swm-0197f3a2',
  nodes: Array.from({ length: count }, (_, i) => `swm-0197f3a2-${i}`),
  made: { remote: 'cloud', flavor: 'small', image: 'host', price: 0.04 },
  resources: one,
  ports: [],
});

export const submitted = (change: Partial<Spec> = {}): Body<'job.create'> => ({
  id: ID,
  owner: 'ann',
  spec: spec(change),
  script: '#!/bin/sh\n',
  scriptBlob: null,
  inputs: [],
  digest: 'd1',
  from: '',
});

export const aJob = (change: Partial<Job> = {}, asked: Partial<Spec> = {}): Job => ({
  ...newJob(submitted(asked), NOW),
  ...change,
});

export const clusterNews = (
  placement: Placement,
  phase: Body<'job.cluster'>['phase'],
  change: Partial<Body<'job.cluster'>> = {},
): Body<'job.cluster'> => ({
  job: ID,
  attempt: 1,
  cluster: placement.cluster,
  phase,
  detail: phase,
  nodes: placement.nodes.map((name) => ({ name, address: '10.0.0.1', phase: 'up', since: NOW })),
  failure: null,
  ...change,
});

/** A job whose attempt is with its workers. */
export const liveJob = (
  phase: 'staging' | 'starting' | 'running' | 'collecting',
  placement: Placement = onNodes('n1'),
  change: Partial<Job> = {},
  asked: Partial<Spec> = {},
): Job =>
  aJob(
    {
      phase,
      placement,
      ordered: true,
      cluster: clusterNews(placement, 'up'),
      reports: placement.nodes.map(() => null),
      ...change,
    },
    asked,
  );

export const report = (change: Partial<Report> = {}): Report => ({
  job: ID,
  node: 'n1',
  attempt: 1,
  rank: 0,
  seq: 1,
  phase: 'running',
  detail: '',
  stagedAt: NOW,
  startedAt: NOW,
  exitedAt: 0,
  unenforced: [],
  stopped: false,
  exit: null,
  collected: null,
  failure: null,
  ...change,
});

export const exit = (change: Partial<NonNullable<Report['exit']>> = {}) => ({
  code: 0,
  signal: 0,
  at: NOW + 5_000,
  outOfMemory: false,
  lost: false,
  ...change,
});

const blob = (letter: string) => ({ sha256: letter.repeat(64), bytes: 3 });
export const collected = {
  outputs: [],
  missing: [],
  stdout: blob('a'),
  stderr: blob('b'),
};

/** The last report of an attempt that ran to its end. */
export const over = (change: Partial<Report> = {}): Report =>
  report({ phase: 'over', seq: 9, exitedAt: NOW + 5_000, exit: exit(), collected, ...change });
