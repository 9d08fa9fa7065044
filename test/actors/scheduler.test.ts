import { describe, expect, it } from 'vitest';
import { keeping as clusterKeeping } from '../../src/actors/cluster/keeping.ts';
import { keeping as jobKeeping } from '../../src/actors/job/keeping.ts';
import { type Scheduler, scheduler } from '../../src/actors/scheduler/scheduler.ts';
import { taken } from '../../src/actors/scheduler/shelf.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { tenureOf } from '../../src/actors/tenure.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { given, hold, made } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { done, NOW, Stage, told } from './stage.ts';
import { aJob, GIB, ID, OTHER, onMade, onNodes, spec } from './things.ts';

const THIRD = '22222222-2222-7333-8444-555555555555';
const waits = (id: string, asked: Partial<Spec> = {}, change: object = {}) =>
  told('scheduler.job', {
    id,
    waits: { attempt: 1, submittedAt: NOW, notBefore: 0, spec: spec(asked), ...change },
  });
const gone = (id: string) => told('scheduler.job', { id, waits: null });
const resources = (cpus: number) => ({ cpus, memoryBytes: GIB, gpus: 0 });
const here = (
  free: number,
  claimed: Body<'scheduler.cluster'>['claimed'] = null,
): Body<'scheduler.cluster'> => ({
  cluster: 'here',
  open: true,
  claimed,
  made: null,
  nodes: [{ name: 'n1', up: true, free: resources(free), total: resources(2), ports: [] }],
});
const cluster = (...args: Parameters<typeof here>) => told('scheduler.cluster', here(...args));
const site: Body<'scheduler.site'> = {
  remote: 'cloud',
  clustersMax: 1,
  cpusMax: 8,
  defaultFlavor: 'small',
  defaultImage: 'host',
  flavors: [
    { name: 'small', remote: 'cloud', resources: resources(2), storageBytes: 0, price: 0.1 },
  ],
  images: [{ name: 'host', remote: 'cloud', kind: 'cloud' }],
};
const on = (remotes: readonly string[] = []) =>
  new Stage<Scheduler>(
    scheduler,
    scheduler.init({ relocate: 'asked', remotes, policy: defaultPolicy }, NOW),
  );
/** The pass that is due next. */
const pass = (stage: Stage<Scheduler>) =>
  stage.hear({ is: 'pass', at: stage.state.passAt }, stage.state.passAt - NOW);
const placed = (id: string) => `tell /jobs/${id} job.place`;

describe('a scheduler', () => {
  it('begins with what the records say, and has the sites say the rest', () => {
    const stage = on(['cloud', 'west']);
    expect(stage.entered()).toEqual([
      'run clusters',
      'run load',
      'tell /gate-cloud gate.offer',
      'tell /gate-west gate.offer',
    ]);
    stage.hear(done('clusters', { clusters: [here(2)], claims: [], reputes: [] }));
    const job = { id: ID, attempt: 3, submittedAt: NOW, notBefore: 0, spec: spec() };
    expect(stage.hear(done('load', { jobs: [job], next: 'more' })).effects).toEqual([
      'after 0 load',
    ]);
    expect(stage.hear({ is: 'load', after: 'more' }).effects).toEqual(['run load']);
    expect(pass(stage).effects).toEqual([placed(ID), 'after 5001 pass']);
    expect(stage.sent('job.place')).toMatchObject({ id: ID, attempt: 3 });
  });

  it('takes what it heard for newer than what it read', () => {
    const stage = on();
    stage.hears(cluster(0), waits(ID, {}, { attempt: 2 }));
    stage.hear(done('clusters', { clusters: [here(2)], claims: [], reputes: [] }));
    pass(stage);
    stage.hear(
      done('load', {
        jobs: [{ id: ID, attempt: 1, submittedAt: NOW, notBefore: 0, spec: spec() }],
        next: '',
      }),
    );
    pass(stage);
    expect(taken(stage.state.waiting, ID)?.attempt).toBe(2);
    expect(stage.state.clusters.get('here')?.nodes[0]?.free.cpus).toBe(0);
  });

  it('gathers news for a moment, and passes once for all of them', () => {
    const stage = on();
    expect(stage.hear(waits(ID)).effects).toEqual(['after 2 pass']);
    expect(stage.hear(waits(OTHER)).effects).toEqual([]);
    expect(stage.hear(cluster(2)).effects).toEqual([]);
    expect(pass(stage).effects).toEqual([placed(ID), placed(OTHER), 'after 5001 pass']);
    expect(stage.hear({ is: 'pass', at: NOW + 2 }, 3).effects).toEqual([]);
  });

  it('does not propose the same room twice while a claim is on its way', () => {
    const stage = on();
    stage.hears(cluster(1), waits(ID));
    pass(stage);
    stage.hears(gone(ID), waits(OTHER));
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    const why = told('scheduler.why', { ids: [ID, OTHER] }, 3);
    const reason = 'needs 1 node with 1 cpu; 0 free now';
    expect(stage.hear(why).effects).toEqual([`reply 3 {"reasons":{"${OTHER}":"${reason}"}}`]);
    stage.hear(cluster(0, { job: ID, attempt: 1 }), 10);
    expect(stage.state.proposed.size).toBe(0);
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    stage.hear(cluster(1), 20);
    expect(pass(stage).effects).toContain(placed(OTHER));
  });

  it('nor what a claim is on its way for that a former life had proposed', () => {
    const stage = on();
    const claim = { id: ID, attempt: 2, placement: onNodes('n1') };
    stage.hear(done('clusters', { clusters: [here(1)], claims: [claim], reputes: [] }));
    stage.hear(waits(OTHER));
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    stage.hear(gone(ID));
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    stage.hear(cluster(0, { job: ID, attempt: 2 }), 10);
    stage.hear(cluster(1), 20);
    expect(pass(stage).effects).toContain(placed(OTHER));
  });

  it('nor the same room at a site', () => {
    const stage = on(['cloud']);
    stage.hears(told('scheduler.site', site), waits(ID, { relocatable: true }));
    expect(pass(stage).effects).toContain(placed(ID));
    stage.hears(gone(ID), waits(OTHER, { relocatable: true }));
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    const making = {
      cluster: 'swm-0197f3a2',
      open: false,
      claimed: null,
      made: { remote: 'cloud', flavor: 'small', nodes: 1 },
      nodes: [],
    };
    stage.hear(told('scheduler.cluster', making), 9_000);
    expect(pass(stage).effects).not.toContain(placed(OTHER));
    stage.hear(told('scheduler.cluster', { ...making, made: null }), 9_100);
    expect(pass(stage).effects).toContain(placed(OTHER));
  });

  it('proposes again what nobody answered, and at once what was refused', () => {
    const stage = on();
    stage.hears(cluster(1), waits(ID));
    pass(stage);
    stage.hear(waits(ID, {}, { attempt: 2 }), 10);
    expect(pass(stage).effects).toContain(placed(ID));
    expect(stage.sent('job.place').attempt).toBe(2);
    expect(stage.state.passAt).toBe(NOW + 12 + 5_001);
    expect(pass(stage).effects).toContain(placed(ID));
  });

  it('wakes for a job that may be tried again', () => {
    const stage = on();
    stage.hears(cluster(1), waits(ID, {}, { notBefore: NOW + 60_000 }));
    expect(pass(stage).effects).toEqual(['after 59999 pass']);
    expect(pass(stage).effects).toContain(placed(ID));
  });

  it('forgets a job that waits no more, and a cluster that is gone', () => {
    const stage = on();
    stage.hears(cluster(0), waits(ID));
    pass(stage);
    const why = told('scheduler.why', { ids: [ID, OTHER] }, 7);
    const reason = 'needs 1 node with 1 cpu; 0 free now';
    expect(stage.hear(why, 5).effects).toEqual([`reply 7 {"reasons":{"${ID}":"${reason}"}}`]);
    stage.hear(gone(ID), 10);
    pass(stage);
    expect(stage.hear(why, 20).effects).toEqual(['reply 7 {"reasons":{}}']);
    stage.hear(told('scheduler.cluster', { ...here(0), open: false }), 30);
    expect(stage.state.clusters.size).toBe(0);
  });

  it('calls nothing impossible before all sites have told what they offer', () => {
    const stage = on(['cloud']);
    const check = (asked: Partial<Spec>) =>
      stage.hear(told('scheduler.check', { spec: spec(asked) }, 7)).effects;
    stage.hear(cluster(0));
    expect(check({ cpus: 9 })).toEqual(['reply 7 {"impossible":""}']);
    stage.hear(told('scheduler.site', site));
    expect(check({ cpus: 9 })).toEqual([
      'reply 7 {"impossible":"needs 1 node with 9 cpus; 0 of the 1 nodes here ever could"}',
    ]);
    expect(check({ cpus: 2 })).toEqual(['reply 7 {"impossible":""}']);
  });
});

describe('what it reads', () => {
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/scheduler' };

  it('are the jobs that wait, what every cluster has left, and claims on their way', async () => {
    const store = memoryStore();
    store.keep(jobKeeping, `/jobs/${ID}`, aJob({ attempt: 2, notBefore: 5 }, { priority: 3 }));
    store.keep(
      jobKeeping,
      `/jobs/${OTHER}`,
      aJob({ id: OTHER, phase: 'placing', placement: onNodes('n2') }),
    );
    store.keep(jobKeeping, `/jobs/${THIRD}`, aJob({ id: THIRD, submittedAt: NOW - 1 }));
    const heldId = ID.replace('0', 'f');
    store.keep(
      jobKeeping,
      `/jobs/${heldId}`,
      aJob({ id: heldId, phase: 'placing', placement: onNodes('n1') }),
    );
    const held = { ...hold(onNodes('n1')), job: heldId };
    store.keep(clusterKeeping, '/clusters/here', given({ holds: [held] }));
    store.keep(clusterKeeping, '/clusters/swm-0197f3a2', made('joining'));
    store.keep(clusterKeeping, '/clusters/swm-2', made('gone', { name: 'swm-2' }));
    const tasks = schedulerTasks(store, async () => {});
    const page = await tasks.load({ after: '' }, context);
    expect(page.next).toBe('');
    expect(page.jobs.map(({ id, attempt, notBefore }) => [id, attempt, notBefore])).toEqual([
      [THIRD, 1, 0],
      [ID, 2, 5],
    ]);
    const { clusters, claims } = await tasks.clusters(null, context);
    // Of what its cluster has saved already, the cluster tells itself.
    const tenure = tenureOf('ann', spec());
    expect(claims).toEqual([{ id: OTHER, attempt: 1, placement: onNodes('n2'), tenure }]);
    expect(clusters).toMatchObject([
      { cluster: 'here', open: true, made: null, nodes: [{ free: { cpus: 1 } }, {}] },
      {
        cluster: 'swm-0197f3a2',
        open: false,
        made: { remote: 'cloud', flavor: onMade().made?.flavor, nodes: 1 },
      },
    ]);
  });
});
