import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { keeping as clusterKeeping } from '../../src/actors/cluster/keeping.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping as jobKeeping } from '../../src/actors/job/keeping.ts';
import { keeping as nodeKeeping } from '../../src/actors/node/keeping.ts';
import { type NodeRecord, node } from '../../src/actors/node/node.ts';
import { keeping as runnerKeeping } from '../../src/actors/runner/keeping.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import type { Keeping } from '../../src/runtime/family.ts';
import { changes, find, isKept, load, NOTHING_KEPT } from '../../src/runtime/record.ts';
import { given, hold, made } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { aRunner } from './runners.ts';
import { NOW } from './stage.ts';
import { ID, liveJob, onMade, onNodes, over } from './things.ts';

const AT = String(NOW).padStart(15, '0');
const path = `/jobs/${ID}`;
const outcome = { state: 'F', exitcode: 3, signal: 0, failure: null } as const;

/** Anything of the form of an example. */
function like(example: unknown): fc.Arbitrary<unknown> {
  if (typeof example === 'string') return fc.string({ unit: 'binary', maxLength: 30 });
  if (typeof example === 'boolean') return fc.boolean();
  if (typeof example === 'number')
    // Of the two zeros only one is a number that anybody writes.
    return fc
      .oneof(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.double({ noNaN: true }))
      .map((n) => n + 0);
  if (example === null) return fc.constant(null);
  if (Array.isArray(example))
    return example.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...example.map(like)));
  const fields = Object.entries(example as object).map(([key, value]) => [key, like(value)]);
  const whole = fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>);
  return fc.oneof({ weight: 4, arbitrary: whole }, { weight: 1, arbitrary: fc.constant(example) });
}

const past = {
  run: 1,
  attempt: 1,
  outcome,
  startedAt: NOW,
  endedAt: NOW,
  stdout: null,
  stderr: null,
};
const aJob: Job = {
  ...liveJob('running', onMade(2), {
    reports: [over(), null],
    stop: { failure: { code: 'lost', text: 'x', retry: true }, since: NOW },
    runs: [past],
    outcome,
  }),
};
const aNode: NodeRecord = {
  ...node.init(
    { node: 'n1', address: 'a', resources: { cpus: 1, memoryBytes: 2, gpus: 0 }, version: '1' },
    NOW,
  ),
  phase: 'up',
  erased: false,
};
const aCluster = made('up', { left: [{ job: ID, attempt: 1 }], hashes: { n1: 'aa' } });
const aRun = aRunner('collecting', { exit: over().exit, collected: over().collected });

const kinds: readonly (readonly [name: string, keeping: Keeping<object>, example: object])[] = [
  ['job', jobKeeping as unknown as Keeping<object>, aJob],
  ['cluster', clusterKeeping as unknown as Keeping<object>, aCluster],
  ['node', nodeKeeping as unknown as Keeping<object>, aNode],
  ['runner', runnerKeeping as unknown as Keeping<object>, aRun],
];

describe.each(kinds)('the record of a %s', (_, keeping, example) => {
  /** Whatever says that nothing is kept. */
  const kept = Object.fromEntries(
    Object.entries(example).filter(([field]) => ['erased', 'remains'].includes(field)),
  );
  const through = (state: object): object =>
    keeping.join(
      Object.fromEntries(
        Object.entries(keeping.split(state)).map(([part, value]) => [
          part,
          keeping.decode(part, keeping.encode(part, value)),
        ]),
      ),
    );

  it('has every field of its state', () => {
    expect(Object.keys(through(example)).toSorted()).toEqual(Object.keys(example).toSorted());
  });

  it('gives back whatever was put into it', () => {
    fc.assert(
      fc.property(like(example), (random) => {
        const state = { ...example, ...(random as object), ...kept };
        expect(through(state)).toEqual(state);
      }),
      { numRuns: 50 },
    );
  });

  it('is gone when nothing is to be remembered, and so are its index keys', () => {
    const store = memoryStore();
    store.keep(keeping, '/x/1', example);
    expect(isKept(store, '/x/1')).toBe(true);
    store.keep(keeping, '/x/1', { ...example, erased: true, remains: 'nothing' });
    expect(isKept(store, '/x/1')).toBe(false);
    expect(store.range({ from: '', to: '\u{10FFFF}', limit: 100 })).toEqual([]);
  });
});

describe('what a save writes', () => {
  it('leaves the script of a job alone', () => {
    const store = memoryStore();
    store.keep(jobKeeping, path, aJob);
    const before = load(store, jobKeeping, path)?.kept ?? NOTHING_KEPT;
    const state = load(store, jobKeeping, path)?.state as Job;
    const next = { ...state, details: 'step 3' };
    const { changes: written } = changes(jobKeeping, path, before, next);
    expect(written.map(({ key }) => key)).toEqual([`r${path}#head`]);
  });
});

describe('a record is found', () => {
  const lists = [`/jobs-by-time/${AT}`, `/jobs-of/ann/${AT}`, `/jobs-by-id/${ID}`];
  const waiting = { ...aJob, placement: null, alias: '' };
  const jobs: readonly (readonly [what: string, state: Job, keys: readonly string[]])[] = [
    ['queued job', { ...waiting, phase: 'queued' }, [...lists, `/queued/${AT}`]],
    ...(['provisioning', 'staging', 'starting', 'running', 'collecting', 'releasing'] as const).map(
      (phase) => [`${phase} job`, { ...aJob, phase }, [...lists, '/live/jobs']] as const,
    ),
    ['placing job', { ...aJob, phase: 'placing' }, [...lists, '/live/jobs', '/placing']],
    [
      'job with ports',
      { ...aJob, alias: '127.77.0.9' },
      [...lists, '/live/jobs', '/aliases/127.77.0.9'],
    ],
    ['ended job', { ...aJob, phase: 'ended', since: NOW }, [...lists, `/ended/${AT}`]],
    [
      'purged job',
      { ...aJob, phase: 'ended', remains: 'key' },
      [`/jobs-by-id/${ID}`, `/tombs/${AT}`],
    ],
  ];
  it.each(jobs)('of a %s', (_, state, keys) => {
    expect(jobKeeping.index(state, path)).toEqual(keys);
  });

  const gone = `/tombs/${AT}`;
  const clusters: readonly (readonly [what: string, state: Cluster, keys: readonly string[]])[] = [
    ['cluster that is made', made('creating'), ['/live/clusters', '/clusters']],
    ['cluster that goes', made('releasing'), ['/live/clusters', '/clusters']],
    ['cluster whose nodes are known yet', made('gone', { expected: ['n'] }), ['/live/clusters']],
    ['cluster that is gone', made('gone'), [gone]],
    ['given cluster', given({ holds: [hold(onNodes('n1'))] }), ['/live/clusters', '/clusters']],
  ];
  it.each(clusters)('of a %s', (_, state, keys) => {
    expect(clusterKeeping.index(state, '')).toEqual(keys);
  });

  const nodes: readonly (readonly [what: string, state: NodeRecord, keys: readonly string[]])[] = [
    ['node that is up', aNode, ['/live/nodes', '/nodes']],
    ['silent node', { ...aNode, phase: 'silent' }, ['/live/nodes', '/nodes']],
    [
      'node whose end nobody has heard of',
      { ...aNode, phase: 'gone', told: false },
      ['/live/nodes'],
    ],
    ['node that is gone', { ...aNode, phase: 'gone', told: true }, [gone]],
  ];
  it.each(nodes)('of a %s', (_, state, keys) => {
    expect(nodeKeeping.index(state, '')).toEqual(keys);
  });

  const runners: readonly (readonly [what: string, state: Runner, keys: readonly string[]])[] = [
    ['runner at work', aRun, ['/live/runners']],
    ['runner that is over', aRunner('over'), ['/live/runners']],
    ['runner whose place is still there', aRunner('forgotten'), ['/live/runners']],
    ['runner that is forgotten', aRunner('forgotten', { cleared: true, forgottenAt: NOW }), [gone]],
  ];
  it.each(runners)('of a %s', (_, state, keys) => {
    expect(runnerKeeping.index(state, '')).toEqual(keys);
  });

  it('in the order of the instants, the oldest first', () => {
    const store = memoryStore();
    for (const at of [NOW, 5, NOW - 1, 10 ** 14])
      store.keep(jobKeeping, `/jobs/${at}`, { ...aJob, submittedAt: at });
    expect(find(store, '/jobs-by-time', 10).paths).toEqual([
      '/jobs/5',
      `/jobs/${NOW - 1}`,
      `/jobs/${NOW}`,
      `/jobs/${10 ** 14}`,
    ]);
  });
});
