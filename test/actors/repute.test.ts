import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { keeping } from '../../src/actors/repute/keeping.ts';
import { type Repute, repute } from '../../src/actors/repute/repute.ts';
import { type Scheduler, scheduler } from '../../src/actors/scheduler/scheduler.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { made, member, nodeNews } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { ID, onMade, spec } from './things.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const tried = (change: Partial<Body<'repute.tried'>>) =>
  told('repute.tried', {
    ...{ remote: 'cloud', flavor: 'small', since: 0, at: 0, failure: null },
    ...change,
  });
const up = (since: number, ms: number, flavor = 'small') =>
  tried({ flavor, since, at: since + ms });
const none = (since: number, at = since) =>
  tried({ since, at, failure: failure('capacity', 'none are left') });
const on = () => {
  const body = tried({}).message.body as Body<'repute.tried'>;
  return new Stage<Repute>(repute, repute.init(body, NOW));
};
const known = ({ state }: Stage<Repute>, flavor = 'small') =>
  state.flavors.find((each) => each.flavor === flavor);

describe('the repute of a site', () => {
  it('has the mean of how long its flavors took, of which the last few count most', () => {
    const stage = on();
    stage.hears(up(0, 80 * SECOND), up(1, 120 * SECOND), up(2, 10 * SECOND, 'large'));
    expect(known(stage)?.bootMs).toBe(90 * SECOND);
    expect(known(stage, 'large')?.bootMs).toBe(10 * SECOND);
    for (let n = 0; n < 30; n++) stage.hear(up(n, 40 * SECOND));
    expect(known(stage)?.bootMs).toBeLessThan(41 * SECOND);
  });

  it('tells the scheduler what it saved, and again after a restart', () => {
    const stage = on();
    const news = { phase: 'open', moved: true, effects: ['tell /scheduler scheduler.repute'] };
    expect(stage.hear(up(0, SECOND))).toEqual(news);
    const { remote, flavors } = stage.state;
    expect(stage.sent('scheduler.repute')).toEqual({ remote, flavors });
    expect(stage.entered()).toEqual(news.effects);
  });

  it('passes over what was refused for ever longer, and forgets that once it comes up', () => {
    const stage = on();
    let at = NOW;
    for (const times of [1, 2, 4, 8]) {
      stage.hear(none(at));
      const refusedUntil = at + times * limits.offerRefusedMs;
      expect(known(stage)).toMatchObject({ refusedAt: at, refusedUntil, why: 'none are left' });
      at = refusedUntil;
    }
    for (let n = 0; n < 40; n++) {
      at += HOUR;
      stage.hear(none(at));
    }
    expect(known(stage)?.refusedUntil).toBe(at + limits.offerRefusedMsMax);
    stage.hear(up(at + 1, SECOND));
    expect(known(stage)).toMatchObject({ refusals: 0, refusedUntil: 0, why: '' });
    stage.hear(none(at + HOUR));
    expect(known(stage)?.refusedUntil).toBe(at + HOUR + limits.offerRefusedMs);
  });

  it('counts once what many were refused at one time, and no success of before', () => {
    const stage = on();
    for (const late of [0, 1, 2, 3]) stage.hear(none(NOW + late, NOW + 10 + late));
    expect(known(stage)).toMatchObject({ refusals: 1, refusedAt: NOW + 10 });
    expect(stage.hear(up(NOW + 5, HOUR))).toEqual({ phase: 'open', moved: false, effects: [] });
    expect(known(stage)?.refusals).toBe(1);
  });

  it('is of so many flavors and no more: those of which nothing is heard go', () => {
    const stage = on();
    stage.hear(up(0, SECOND, 'oldest'));
    for (let n = 1; n < limits.reputesMax; n++) stage.hear(up(0, SECOND, `f${n}`));
    stage.hears(up(0, SECOND, 'f1'), up(0, SECOND, 'one-more'));
    expect(stage.state.flavors).toHaveLength(limits.reputesMax);
    expect(known(stage, 'oldest')).toBeUndefined();
    expect(known(stage, 'f1')).toBeDefined();
  });
});

describe('a cluster', () => {
  const [N0 = ''] = onMade().nodes;
  const joining = made('joining', { members: [member(N0, { phase: 'expected' })] });
  const creating = made('creating', { hashes: {}, expected: [N0] });
  const of = { remote: 'cloud', flavor: 'small', since: NOW };

  it('tells how long it took', () => {
    const stage = new Stage<Cluster>(cluster, joining);
    stage.hear(told('cluster.node', nodeNews(N0), 5), 70 * SECOND);
    expect(stage.sent('repute.tried')).toEqual({ ...of, at: NOW + 70 * SECOND, failure: null });
    // Once: what it is asked for again after a restart is none of it.
    expect(stage.entered()).not.toContain('tell /reputes/cloud repute.tried');
  });

  it.each(['quota', 'capacity'] as const)('tells that its site had no %s', (code) => {
    const stage = new Stage<Cluster>(cluster, creating);
    const why = failure(code, 'no more');
    stage.hear(failed('create', why), SECOND);
    expect(stage.sent('repute.tried')).toEqual({ ...of, at: NOW + SECOND, failure: why });
  });

  it('tells nothing of what is no word on what the site has', () => {
    const silent = (state: Cluster, event: object) => {
      const stage = new Stage<Cluster>(cluster, state);
      stage.hear(event, 2_000_000);
      expect(stage.state.phase).toBe('releasing');
      expect(stage.raw.filter((e) => JSON.stringify(e).includes('repute'))).toEqual([]);
    };
    silent(creating, failed('create', failure('refused', 'who are you?')));
    silent(creating, { is: 'late' });
    silent(joining, { is: 'late' });
    silent(joining, told('cluster.unclaim', { cluster: 'c', job: joining.job, attempt: 1 }, 5));
  });
});

describe('a scheduler', () => {
  const row = { remote: 'cloud', storageBytes: 0 };
  const flavor = {
    ...row,
    name: 'small',
    resources: { cpus: 2, memoryBytes: 0, gpus: 0 },
    price: 1,
  };
  const site = {
    ...{ remote: 'cloud', clustersMax: 9, cpusMax: 99, defaultFlavor: '', defaultImage: '' },
    ...{ flavors: [flavor], images: [] },
  };
  const job = { attempt: 1, submittedAt: NOW, notBefore: 0, spec: spec({ relocatable: true }) };
  const refused = {
    ...{ flavor: 'small', bootMs: 0, refusals: 1, refusedAt: NOW },
    ...{ refusedUntil: NOW + HOUR, why: 'none are left' },
  };
  const begun = () => {
    const args = { relocate: 'asked', remotes: [], policy: defaultPolicy } as const;
    const stage = new Stage<Scheduler>(scheduler, scheduler.init(args, NOW));
    stage.hears(told('scheduler.site', site), told('scheduler.job', { id: ID, waits: job }));
    return stage;
  };
  const pass = (stage: Stage<Scheduler>) =>
    stage.hear({ is: 'pass', at: stage.state.passAt }, stage.state.passAt - NOW).effects;
  const place = `tell /jobs/${ID} job.place`;

  it('hears of what is refused, and looks again when its time is over', () => {
    const stage = begun();
    stage.hear(told('scheduler.repute', { remote: 'cloud', flavors: [refused] }));
    expect(pass(stage)).toEqual([`after ${HOUR - 1} pass`]);
    expect(pass(stage)).toContain(place);
  });

  it('reads of it in the records of a former head, and takes what it heard for newer', async () => {
    const store = memoryStore();
    const state: Repute = { phase: 'open', round: 1, remote: 'cloud', flavors: [refused] };
    store.keep(keeping, '/reputes/cloud', state);
    const read = await schedulerTasks(store, async () => {}).clusters(null, {} as never);
    expect(read.reputes).toEqual([{ remote: 'cloud', flavors: [refused] }]);
    const stage = begun();
    stage.hear(done('clusters', read));
    expect(pass(stage)).not.toContain(place);
    const later = begun();
    later.hears(told('scheduler.repute', { remote: 'cloud', flavors: [] }), done('clusters', read));
    expect(pass(later)).toContain(place);
  });
});
