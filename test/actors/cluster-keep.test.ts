import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { offer } from '../../src/actors/cluster/news.ts';
import { claimOf, hold, MADE, made, member, nodeNews } from './clusters.ts';
import { NOW, Stage, told } from './stage.ts';
import { ID, OTHER, onMade } from './things.ts';

const KEEP_MS = 600_000;
const on = (state: Cluster) => new Stage<Cluster>(cluster, state);
const held = (change: Partial<Cluster> = {}) =>
  made('up', { keepMs: KEEP_MS, account: 'lab', ...change });
const kept = (change: Partial<Cluster> = {}) =>
  held({ holds: [], keptUntil: NOW + KEEP_MS, ...change });
const unclaim = (keep: boolean, job = ID) =>
  told('cluster.unclaim', { cluster: MADE, job, attempt: 1, keep }, 8);
const warm = { ...onMade(), warm: 1, keepMs: 60_000 };
const claim = (change: Partial<Parameters<typeof claimOf>[1]> = {}, placement = warm) =>
  told('cluster.claim', claimOf(placement, { job: OTHER, account: 'lab', ...change }), 7);
const SCHEDULER = 'tell /scheduler scheduler.cluster';
const ATTACH = `run attach (${MADE}-0)`;
const RELEASE = { phase: 'releasing', moved: true };

describe('a cluster that may stay after its job', () => {
  it('is free at once, and goes when its time is over', () => {
    const stage = on(held());
    expect(stage.hear(unclaim(true))).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 8 {"gone":true}', SCHEDULER, ATTACH, `after ${KEEP_MS} late`],
    });
    expect(stage.state).toMatchObject({ holds: [], left: [], keptUntil: NOW + KEEP_MS });
    expect(stage.entered(KEEP_MS - 5)).toEqual([SCHEDULER, ATTACH, 'after 5 late']);
    expect(stage.hear({ is: 'late' }, KEEP_MS - 5).phase).toBe('up');
    expect(stage.hear({ is: 'late' }, KEEP_MS)).toEqual({
      ...RELEASE,
      effects: [SCHEDULER, 'run remove'],
    });
  });

  it.each([
    ['its job does not say so', held(), false],
    ['there is no time for it', held({ keepMs: 0 }), true],
    ['a node of it is silent', held({ members: [member('a', { phase: 'silent' })] }), true],
    ['it is not up yet', { ...held(), phase: 'joining' as const }, true],
  ])('goes where %s', (_, state, keep) => {
    const stage = on(state);
    expect(stage.hear(unclaim(keep)).phase).toBe('releasing');
  });

  it('is not released by a job that says again that it is done with it', () => {
    const stage = on(kept());
    const before = stage.state;
    expect(stage.hear(unclaim(true)).effects).toEqual(['reply 8 {"gone":true}']);
    expect(stage.hear(unclaim(false)).effects).toEqual(['reply 8 {"gone":true}']);
    expect(stage.state).toBe(before);
  });

  it('goes with a node of it that is given up', () => {
    const stage = on(kept());
    const node = onMade().nodes[0] ?? '';
    stage.hear(told('cluster.node', nodeNews(node, { phase: 'gone' }), 9));
    expect(stage.state.phase).toBe('releasing');
  });
});

describe('a claim of what is kept', () => {
  it('is a hold like any other, by which it is kept no more', () => {
    const stage = on(kept());
    expect(stage.hear(claim())).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 7 {}', SCHEDULER, `tell /jobs/${OTHER} job.cluster`, SCHEDULER, ATTACH],
    });
    expect(stage.state).toMatchObject({ keptUntil: 0, keepMs: 60_000, job: OTHER, life: 1 });
    expect(stage.state.holds.map(({ job }) => job)).toEqual([OTHER]);
    expect(stage.hear({ is: 'late' }, KEEP_MS).phase).toBe('up');
    const first = told('cluster.unclaim', { cluster: MADE, job: ID, attempt: 1 }, 8);
    expect(stage.hear(first).effects).toEqual(['reply 8 {"gone":true}']);
  });

  it.each([
    ['of another owner', kept(), { owner: 'ben' }, `full: cluster ${MADE} is kept for somebody`],
    ['on another account', kept(), { account: '' }, `full: cluster ${MADE} is kept for somebody`],
    [
      'that comes second',
      held({ holds: [hold(onMade(), { job: ID })] }),
      {},
      `full: cluster ${MADE} is kept no more`,
    ],
    ['that comes late', made('releasing'), {}, `full: cluster ${MADE} is kept no more`],
    [
      'whose node is silent by now',
      kept({ members: [member(onMade().nodes[0] ?? '', { phase: 'silent' })] }),
      {},
      `full: node ${MADE}-0 is not up`,
    ],
  ])('%s is refused, and changes nothing', (_, state, change, why) => {
    const stage = on(state);
    expect(stage.hear(claim(change)).effects[0]).toContain(`refuse 7 ${why}`);
    expect(stage.state).toBe(state);
  });

  it('makes way for a new one of its name', () => {
    const stage = on(kept());
    expect(
      stage.hear(claim({ job: ID, attempt: 2 }, { ...onMade(), warm: undefined } as never)),
    ).toMatchObject({ ...RELEASE });
  });
});

it('the scheduler hears of what is kept only while nobody holds it and it is whole', () => {
  expect(offer(kept()).warm).toEqual({
    owner: 'ann',
    account: 'lab',
    image: 'host',
    price: 0.04,
  });
  expect(offer(held()).warm).toBeUndefined();
  expect(offer(kept({ members: [member('a', { phase: 'silent' })] })).warm).toBeUndefined();
  expect(offer({ ...kept(), phase: 'releasing' }).warm).toBeUndefined();
});
