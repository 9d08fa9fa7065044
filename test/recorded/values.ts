import type { Order, Report } from '../../src/protocol/attempt.ts';
import type {
  BlobRef,
  FlavorRow,
  ImageRow,
  JobRow,
  JobView,
  Placement,
  Resources,
  Spec,
} from '../../src/protocol/model.ts';
import type { NodeRow, RemoteRow } from '../../src/protocol/terminal-shapes.ts';

/** Values of which the recorded messages and states are made: every field holds something. */

export const at = 1_795_000_000_000;
export const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
export const owner = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
export const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
export const cluster = 'swm-0f8fad5b';
export const node = 'swm-0f8fad5b-n1';
export const runner = `${id}.2.0`;
export const publicKey =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PUBLIC KEY-----\n';

export const blob: BlobRef = { sha256: hash, bytes: 6_000_000_000 };
export const file = { path: 'data/in put.csv', sha256: hash, bytes: 12_345, mode: 0o644 };
export const resources: Resources = { cpus: 4, memoryBytes: 8 * 2 ** 30, gpus: 1 };
export const lost = { code: 'lost', text: 'the node died: „aus“ ✗', retry: true } as const;
export const script = '#!/bin/sh\n#SWM name größer\necho "hé 🚀"\n';

export const spec: Spec = {
  name: 'größer',
  comment: 'every field of it holds something',
  account: 'physics',
  flavor: 'small',
  cloudImage: 'ubuntu-24.04',
  containerImage: 'registry.example.org/notebook:1.2',
  queue: 'day',
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  gpus: 1,
  nodes: 2,
  ports: [
    { port: 8888, protocol: 'tcp', direction: 'in' },
    { port: 8081, protocol: 'tcp', direction: 'out' },
  ],
  submissionAddress: 'hub.example.org',
  stdin: 'in.txt',
  stdout: 'out.txt',
  stderr: 'err.txt',
  workdir: 'work',
  relocatable: true,
  inputFiles: ['data/in put.csv'],
  outputFiles: ['result.bin', 'plots'],
  storage: ['scratch'],
  keepResources: true,
  checkpoint: true,
  checkpointDir: 'checkpoints',
  checkpointIntervalMs: 600_000,
  walltimeMs: 3_600_000,
  priority: -5,
  env: { LANG: 'C.UTF-8', 'X-1': '' },
  array: { first: 0, last: 9, step: 3, limit: 2 },
  after: [{ when: 'after-ok', jobs: [id] }],
  retries: 3,
  gang: 'g1',
  preemptible: true,
  notify: 'https://example.org/hook',
};

export const placement: Placement = {
  cluster,
  nodes: [node, 'swm-0f8fad5b-n2'],
  made: { remote: 'azure-west', flavor: 'small', image: 'ubuntu-24.04', price: 0.192 },
  resources,
  ports: [8888],
};

const collected = {
  outputs: [{ path: 'result.bin', sha256: hash, bytes: 2 ** 33, mode: 0o755 }],
  missing: ['plots'],
  stdout: { sha256: hash, bytes: 42 },
  stderr: { sha256: hash, bytes: 0 },
};

/** Of a process that is over; of one that runs the rest is empty. */
export const report: Report = {
  job: id,
  node,
  attempt: 2,
  rank: 0,
  seq: 7,
  phase: 'over',
  detail: 'it ended',
  stagedAt: at + 100,
  startedAt: at + 120,
  exitedAt: at + 5_000,
  unenforced: ['no cgroup for memory here'],
  stopped: true,
  exit: { code: 3, signal: 15, at: at + 5_000, outOfMemory: false, lost: false },
  collected,
  failure: lost,
};

export const order: Order = {
  runner,
  node,
  job: id,
  attempt: 2,
  rank: 0,
  go: false,
  spec,
  script,
  scriptBlob: blob,
  inputs: [file],
  nodes: placement.nodes,
  addresses: ['10.0.0.4', '127.77.0.9'],
  resources,
  owner,
};

export const jobRow: JobRow = {
  id,
  name: 'größer',
  owner,
  state: 'R',
  phase: 'running',
  details: 'running since a while',
  submittedAt: at,
  startedAt: at + 120,
  endedAt: 0,
  exitcode: -1,
  signal: 0,
  attempt: 2,
  run: 1,
  cluster,
  nodes: placement.nodes,
  remote: 'azure-west',
  flavor: 'small',
  account: 'physics',
  comment: 'every field of it holds something',
  address: '127.77.0.9',
};

export const jobView: JobView = {
  ...jobRow,
  spec,
  script,
  timeline: [
    { at, what: 'queued' },
    { at: at + 5, what: 'placing' },
  ],
  outputs: collected.outputs,
  missing: collected.missing,
  unenforced: report.unenforced,
  stdout: collected.stdout,
  stderr: null,
  price: 0.384,
};

export const nodeRow: NodeRow = {
  name: node,
  role: 'worker',
  cluster,
  address: '10.0.0.4',
  phase: 'up',
  since: at,
  resources,
  jobs: [id],
};

export const flavorRow: FlavorRow = {
  name: 'small',
  remote: 'azure-west',
  resources,
  storageBytes: 30 * 2 ** 30,
  price: 0.192,
};

export const imageRow: ImageRow = { name: 'ubuntu-24.04', remote: 'azure-west', kind: 'cloud' };

export const remoteRow: RemoteRow = {
  name: 'azure-west',
  kind: 'azure',
  defaultFlavor: 'small',
  defaultImage: 'ubuntu-24.04',
};
