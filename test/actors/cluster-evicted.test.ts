import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import type { Partition } from '../../src/actors/ports.ts';
import { failure } from '../../src/protocol/errors.ts';
import { MADE, made, member } from './clusters.ts';
import { done, failed, NOW, Stage } from './stage.ts';
import { ID } from './things.ts';

const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const NODE = `${MADE}-0`;
/** What being up asks for, whether or not it may be taken. */
const UP = [...NEWS, `run attach (${NODE})`];
const on = (phase: Cluster['phase'], change: Partial<Cluster> = {}) =>
  new Stage<Cluster>(cluster, made(phase, change));
const there = (change: Partial<Partition> = {}): Partition => ({
  externalId: 'x1',
  name: MADE,
  status: 'succeeded',
  description: '',
  addresses: {},
  installation: 'i',
  createdAt: NOW,
  evicted: [],
  ...change,
});
const poll = (change: Partial<Partition> = {}) => done('poll', there(change));

describe('a cluster whose machines may be taken back', () => {
  it('is known as such from its creation on, and asked for while it is up', () => {
    const stage = on('creating', { members: [member(NODE, { phase: 'expected' })] });
    stage.hear(done('create', there()));
    expect(stage.state).toMatchObject({ phase: 'joining', evicted: [] });
    const up = on('up', { evicted: [] });
    expect(up.entered()).toEqual([...UP, 'after 2000 again']);
    expect(up.hear({ is: 'again' }).effects).toEqual(['run poll']);
    expect(up.hear(poll())).toEqual({ phase: 'up', moved: false, effects: ['after 2000 again'] });
    const error = failed('poll', failure('site_error', '500'));
    expect(up.hear(error).effects).toEqual(['after 2000 again']);
  });

  it('is not asked for if its site does not say so', () => {
    expect(on('up').entered()).toEqual(UP);
    expect(on('up').hear({ is: 'again' }).effects).toEqual([]);
  });

  it('tells who holds it while the machine is still there', () => {
    const stage = on('up', { evicted: [] });
    expect(stage.hear(poll({ evicted: [NODE] }))).toEqual({
      phase: 'up',
      moved: true,
      effects: [...UP, 'after 2000 again'],
    });
    expect(stage.sent('job.cluster')).toMatchObject({ phase: 'up', evicted: [NODE] });
    expect(stage.sent('scheduler.cluster').nodes).toMatchObject([{ name: NODE, up: false }]);
    expect(stage.hear(poll({ evicted: [NODE] })).moved).toBe(false);
  });

  it('goes when the machine is gone, and says why', () => {
    const stage = on('up', { evicted: [] });
    const taken = { evicted: [NODE], status: 'failed' as const, description: 'Evicted.' };
    expect(stage.hear(poll(taken)).phase).toBe('releasing');
    expect(stage.sent('job.cluster')).toMatchObject({
      evicted: [NODE],
      failure: { code: 'evicted', text: 'Evicted.' },
    });
    const crashed = on('up', { evicted: [] });
    crashed.hear(poll({ status: 'failed', description: 'It crashed.' }));
    expect(crashed.state.failure).toMatchObject({ code: 'lost' });
  });

  it('is not given up because a list does not know it, as long as it is heard', () => {
    const stage = on('up', { evicted: [] });
    for (let i = 1; i < 30; i++) expect(stage.hear(done('poll', null)).phase).toBe('up');
    expect(stage.hear(done('poll', null)).phase).toBe('releasing');
  });

  it('that was taken while it joined costs its job nothing', () => {
    const stage = on('joining', { members: [member(NODE, { phase: 'expected' })], evicted: [] });
    stage.hear(poll({ evicted: [NODE], status: 'failed', description: 'Evicted.' }));
    expect(stage.state).toMatchObject({ phase: 'releasing', failure: { code: 'evicted' } });
  });
});
