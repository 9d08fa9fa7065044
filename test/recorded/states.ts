import type { Account } from '../../src/actors/account/account.ts';
import { keeping as account } from '../../src/actors/account/keeping.ts';
import { type Cluster, fromArgs } from '../../src/actors/cluster/cluster.ts';
import { keeping as cluster } from '../../src/actors/cluster/keeping.ts';
import { keeping as entries } from '../../src/actors/entries/keeping.ts';
import type { Group } from '../../src/actors/group/group.ts';
import { GROUP, keeping as group } from '../../src/actors/group/keeping.ts';
import type { Herald } from '../../src/actors/herald/herald.ts';
import { keeping as herald } from '../../src/actors/herald/keeping.ts';
import { newJob } from '../../src/actors/job/birth.ts';
import { type Job, mark, to } from '../../src/actors/job/job.ts';
import { keeping as job } from '../../src/actors/job/keeping.ts';
import { keeping as node } from '../../src/actors/node/keeping.ts';
import type { NodeRecord } from '../../src/actors/node/node.ts';
import { keeping as repute } from '../../src/actors/repute/keeping.ts';
import { keeping as runner } from '../../src/actors/runner/keeping.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import { keeping as safe } from '../../src/actors/safe/keeping.ts';
import type { Safe } from '../../src/actors/safe/safe.ts';
import { keeping as schedule } from '../../src/actors/schedule/keeping.ts';
import { SWEEPER, keeping as sweeper } from '../../src/actors/sweeper/keeping.ts';
import { keeping as user } from '../../src/actors/user/keeping.ts';
import type { User } from '../../src/actors/user/user.ts';
import { emptySpec } from '../../src/protocol/jobscript/spec.ts';
import type { JobPhase, Spec } from '../../src/protocol/model.ts';
import type { Keeping } from '../../src/runtime/family.ts';
import { entered } from './entry-states.ts';
import { messageSamples } from './messages.ts';
import { repute1 } from './repute-states.ts';
import { schedules } from './schedule-states.ts';
import * as some from './values.ts';

const kept = {
  ...{ account, cluster, entries, group, herald, job },
  ...{ node, repute, runner, safe, schedule, sweeper, user },
};
export type Kind = keyof typeof kept;
/** What is kept of each kind of record, by the folder of its family. */
export const keepings = kept as unknown as { readonly [kind in Kind]: Keeping<object> };

/** A record: the states it went through, of which the last one stands. */
export type Life = {
  readonly kind: Kind;
  readonly path: string;
  readonly states: readonly object[];
};

const plain = emptySpec as Spec;
const later = some.at + 60_000;
const uuidOf = (n: number): string => `${some.id.slice(0, -2)}${String(n).padStart(2, '0')}`;

function bornAs(n: number): Job {
  const id = uuidOf(n);
  const full = { ...messageSamples['job.create'].body, id };
  // One of them tells of every field; the others are as most are, and short.
  const body = n === 0 ? full : { ...full, inputs: [], spec: plain };
  return newJob(body, some.at + n);
}

const outcome = { state: 'F', exitcode: 3, signal: 0, failure: null } as const;
const held = { placement: some.placement, cluster: messageSamples['job.cluster'].body };
const live = { ...held, ordered: true, reports: [some.report, null], alias: '127.77.0.9' };
const past = {
  run: 1,
  attempt: 2,
  outcome,
  startedAt: some.at,
  endedAt: later,
  stdout: some.blob,
  stderr: null,
};

const changeOf: { readonly [phase in JobPhase]: Partial<Job> } = {
  queued: { refusals: 2, notBefore: later, runs: [past], run: 2, attempt: 3, firstAttempt: 3 },
  placing: { placement: some.placement },
  provisioning: { ...held, details: 'Partition spawned' },
  staging: { ...live, uploaded: true },
  starting: live,
  running: { ...live, startedAt: some.at + 120 },
  collecting: { ...live, stop: { failure: some.lost, since: later }, again: 'attempt' },
  releasing: { ...live, outcome, cancelled: true },
  ended: { outcome, startedAt: some.at, endedAt: later, scriptBlob: some.blob },
};

/** One job in each phase, one of which only the key is left, and one of which nothing is. */
function jobs(): readonly Life[] {
  const phases = Object.keys(changeOf) as JobPhase[];
  const lives = phases.map((phase, n): Job[] => {
    const born = bornAs(n);
    return [born, mark(to(born, phase, later, changeOf[phase]), later, 'größer ✓')];
  });
  for (const remains of ['key', 'nothing'] as const) {
    const born = bornAs(lives.length);
    const ended = to(born, 'ended', later, changeOf.ended);
    lives.push([born, ended, { ...ended, script: '', remains }]);
  }
  return lives.map((states) => ({ kind: 'job', path: `/jobs/${states[0]?.id}`, states }));
}

const members = some.placement.nodes.map((name, n) => ({
  name,
  address: n === 0 ? '10.0.0.4' : '',
  phase: n === 0 ? ('up' as const) : ('expected' as const),
  since: some.at,
  resources: some.resources,
}));
const hold = {
  job: some.id,
  attempt: 2,
  resources: some.resources,
  ports: [8888],
  nodes: some.placement.nodes,
};

function clusters(): readonly Life[] {
  const standing = fromArgs({ ...messageSamples['cluster.node'].body, cluster: 'here' }, some.at);
  const claimed = (n: number): Cluster => ({
    ...fromArgs({ ...messageSamples['cluster.claim'].body, cluster: `made-${n}` }, some.at),
    phase: 'creating',
    owner: some.owner,
    made: some.placement.made,
    life: 1,
    job: some.id,
    erased: false,
    holds: [hold],
  });
  const made: Partial<Cluster> = {
    externalId: '/subscriptions/1/resourceGroups/made',
    members,
    hashes: Object.fromEntries(some.placement.nodes.map((name) => [name, some.hash])),
    expected: some.placement.nodes,
    since: later,
  };
  const trouble = { tries: 2, retryAt: later, detail: 'again soon', failure: some.lost };
  const left = [{ job: some.id, attempt: 1 }];
  const lives: Cluster[][] = [
    [standing, { ...standing, members, holds: [hold] }],
    [claimed(1), { ...claimed(1), ...trouble }],
    [claimed(2), { ...claimed(2), ...made, phase: 'joining' }],
    [claimed(3), { ...claimed(3), ...made, phase: 'up', round: 3 }],
    [claimed(4), { ...claimed(4), ...made, ...trouble, phase: 'releasing', holds: [], left }],
    [claimed(5), { ...claimed(5), ...made, phase: 'gone', holds: [] }],
    [claimed(6), { ...claimed(6), ...made, phase: 'gone', holds: [], expected: [] }],
    [claimed(7), { ...claimed(7), phase: 'gone', erased: true }],
  ];
  return lives.map((states) => ({ kind: 'cluster', path: `/clusters/${states[0]?.name}`, states }));
}

function groups(): readonly Life[] {
  const first: Group = {
    phase: 'on',
    round: 1,
    heads: [{ name: 'h1', address: '10.0.0.1:10001', phase: 'member' }],
  };
  const second = { name: 'h2', address: '10.0.0.2:10001', phase: 'expected' } as const;
  const both: Group = { ...first, round: 2, heads: [...first.heads, second] };
  return [{ kind: 'group', path: GROUP, states: [first, both] }];
}

function nodes(): readonly Life[] {
  const lives = (['expected', 'up', 'silent', 'gone'] as const).map((phase, n): NodeRecord[] => {
    const expected: NodeRecord = {
      phase: 'expected',
      round: 0,
      name: `n${n}`,
      cluster: some.cluster,
      role: n === 1 ? 'head' : 'worker',
      tokenHash: some.hash,
      expiresAt: later,
      publicKey: '',
      address: '',
      resources: { cpus: 0, memoryBytes: 0, gpus: 0 },
      version: '',
      since: some.at,
      told: phase === 'gone',
      erased: false,
    };
    const known = { publicKey: some.publicKey, address: '10.0.0.4', resources: some.resources };
    return [expected, { ...expected, ...known, phase, round: 2, version: '0.1.0', since: later }];
  });
  return lives.map((states) => ({ kind: 'node', path: `/nodes/${states[0]?.name}`, states }));
}

const runnerPhases = [
  'staging',
  'staged',
  'starting',
  'running',
  'stopping',
  'collecting',
  'over',
  'forgotten',
] as const satisfies readonly Runner['phase'][];

function runners(): readonly Life[] {
  const lives = runnerPhases.map((phase, n): Runner[] => {
    const key = { job: uuidOf(n), attempt: 2, rank: 1 };
    const order = n === 0 ? some.order : { ...some.order, inputs: [], spec: plain };
    const ordered: Runner = {
      phase: 'staging',
      round: 0,
      key,
      node: some.node,
      order: { ...order, job: key.job, rank: 1, runner: `${key.job}.2.1` },
      go: false,
      seq: 0,
      taken: 0,
      place: null,
      tries: 0,
      stop: null,
      stagedAt: 0,
      startedAt: 0,
      unenforced: [],
      exit: null,
      collected: null,
      failure: null,
      detail: '',
      forgottenAt: 0,
      cleared: false,
      erased: false,
    };
    const { exit, collected, stagedAt, startedAt, unenforced } = some.report;
    const place = { directory: '/spool/job/1', script: 's', stdout: 'o', stderr: 'e' };
    const went = { go: true, seq: 2 ** 33, taken: 3, place, tries: 1, stagedAt, startedAt };
    const over = { exit, collected, unenforced, failure: some.lost, detail: 'ended', order: null };
    const stop = { failure: null, graceMs: 10_000 };
    if (n < 4) return [ordered, { ...ordered, ...(n > 0 && went), phase }];
    const forgottenAt = phase === 'forgotten' ? later : 0;
    const gone = { forgottenAt, cleared: phase === 'forgotten' };
    return [ordered, { ...ordered, ...went, ...(n > 4 && over), stop, phase, ...gone }];
  });
  return lives.map((states) => {
    const { job, attempt, rank } = (states[0] as Runner).key;
    return { kind: 'runner', path: `/runners/${job}.${attempt}.${rank}`, states };
  });
}

/** One that was invited, one that has enrolled and renewed, and one that was revoked. */
function users(): readonly Life[] {
  const invited: User = {
    phase: 'expected',
    round: 1,
    id: uuidOf(80),
    name: 'ann',
    role: 'user',
    tokenHash: some.hash,
    expiresAt: later,
    keys: [],
    since: some.at,
  };
  const enrolled: User = { ...invited, id: uuidOf(81), phase: 'active', keys: ['new', 'old'] };
  const revoked: User = { ...invited, id: uuidOf(82), phase: 'revoked', round: 2, tokenHash: '' };
  const lives = [[invited], [{ ...enrolled, keys: ['old'] }, enrolled], [revoked]];
  return lives.map((states) => ({ kind: 'user', path: `/users/${states[0]?.id}`, states }));
}

/** One that has secrets, and one that has none any more. */
function safes(): readonly Life[] {
  const of = (owner: string, ...names: readonly string[]): Safe => ({
    phase: 'shut',
    owner,
    secrets: names.map((name) => ({ owner, name, sealed: `v1.${name}`, setAt: some.at })),
  });
  const lives = [
    [of(some.owner, 'db'), of(some.owner, 'db', 'api.key-2')],
    [of('shared', 'db'), of('shared')],
  ];
  return lives.map((states) => ({ kind: 'safe', path: `/safes/${states[0]?.owner}`, states }));
}

const account1: Account = {
  phase: 'open',
  round: 3,
  name: 'lab',
  spent: 1.5,
  charges: [{ cluster: 'swm-1', life: 2, since: later, perHour: 0.08, unitMs: 60_000 }],
};

const tells = messageSamples['herald.tell'].body;
const told: Herald = {
  ...{ phase: 'telling', round: 3, job: tells.job, url: tells.url, seq: 7, untold: tells.changes },
  ...{ tries: 2, since: some.at, nextAt: later, erased: false },
};

/** Records of every kind, in every phase. */
export const lives = (): readonly Life[] => [
  ...jobs(),
  ...clusters(),
  ...groups(),
  ...nodes(),
  ...runners(),
  ...safes(),
  ...users(),
  { kind: 'account', path: '/accounts/lab', states: [account1] },
  { kind: 'entries', path: '/entries', states: [entered] },
  { kind: 'schedule', path: `/schedules/${some.id}`, states: schedules },
  { kind: 'herald', path: `/heralds/${some.id}`, states: [told] },
  { kind: 'repute', path: `/reputes/${repute1.remote}`, states: [repute1] },
  { kind: 'sweeper', path: SWEEPER, states: [{ phase: 'off', since: later }] },
];
