import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { type NodeRecord, node } from '../../src/actors/node/node.ts';
import { nodeRow } from '../../src/actors/session/read.ts';
import { claimOf, given, hold, MADE, made, member, nodeNews } from './clusters.ts';
import { done, NOW, Stage, told } from './stage.ts';
import { type ANN, ID, OPERATOR, onMade, onNodes, worker } from './things.ts';

const resources = { cpus: 2, memoryBytes: 1024, gpus: 0 };
const hello = { node: 'n1', address: '10.0.0.1', resources, version: '1' };
const on = (phase: NodeRecord['phase'] = 'up') =>
  new Stage<NodeRecord>(node, {
    ...node.init(hello, NOW),
    phase,
    role: 'worker',
    publicKey: 'key',
    erased: false,
  });
const said = (who: ReturnType<typeof worker> | typeof ANN = worker('n1')) =>
  told('node.evicted', { node: 'n1' }, 3, who);
const TOLD = ['ask /clusters/here cluster.node', 'watch n1'];

describe('a node that hears that its machine is taken back', () => {
  it('tells its cluster, and may say it again', () => {
    const stage = on();
    expect(stage.hear(said())).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 3 {}', ...TOLD],
    });
    expect(stage.sent('cluster.node')).toMatchObject({ evicted: true, phase: 'up' });
    expect(stage.hear(said(), 5)).toEqual({ phase: 'up', moved: false, effects: ['reply 3 {}'] });
    const drained = { since: NOW, reason: 'its site takes it back' };
    expect(nodeRow(stage.state, [])).toMatchObject({ drained });
  });

  it('is so while it is away, and when it comes back', () => {
    const stage = on();
    stage.hear(said());
    stage.hear({ is: 'down', who: { node: 'n1', path: '' }, why: 'cut' });
    expect(stage.sent('cluster.node')).toMatchObject({ phase: 'silent', evicted: true });
    stage.hear(told('node.hello', hello, 9, worker('n1')));
    expect(stage.sent('cluster.node')).toMatchObject({ phase: 'up', evicted: true });
    expect(on('silent').hear(said()).effects).toEqual(['reply 3 {}', TOLD[0]]);
  });

  it('is so no more by the word of an operator, or under its name another node', () => {
    const stage = on();
    stage.hear(said());
    stage.hear(told('node.drain', { node: 'n1' }, 4, OPERATOR));
    expect(stage.sent('cluster.node')).toMatchObject({ evicted: true, drained: 'keep' });
    stage.hear(told('node.resume', { node: 'n1' }, 4, OPERATOR));
    expect(stage.sent('cluster.node')).not.toHaveProperty('evicted');
    stage.hear(said());
    const tokenHash = 'b'.repeat(64);
    const anew = { node: 'n1', cluster: 'here', role: 'worker' as const, tokenHash };
    stage.hear(told('node.expect', { ...anew, expiresAt: NOW + 1 }));
    expect(stage.sent('cluster.node')).not.toHaveProperty('evicted');
  });

  it('speaks for itself alone, and only while it is a node', () => {
    expect(on().hear(said(worker('n2')))).toEqual({
      phase: 'up',
      moved: false,
      effects: ['refuse 3 forbidden: n2 may not speak for n1'],
    });
    for (const phase of ['gone', 'expected'] as const)
      expect(on(phase).hear(said())).toEqual({
        phase,
        moved: false,
        effects: ['refuse 3 refused: n1 is no node now'],
      });
  });
});

const NODE = `${MADE}-0`;
const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const stage = (state: Cluster) => new Stage<Cluster>(cluster, state);
const evicted = (phase: 'up' | 'silent' = 'up') =>
  told('cluster.node', nodeNews(NODE, { evicted: true, phase }), 2);

describe('a cluster one of whose machines was told that it is taken back', () => {
  it.each([[null], [[]]])('tells who holds it; its site had said of it: %j', (before) => {
    const up = stage(made('up', { evicted: before }));
    expect(up.hear(evicted())).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 2 {}', ...NEWS, `run attach (${NODE})`, 'after 2000 again'],
    });
    expect(up.sent('job.cluster')).toMatchObject({ phase: 'up', evicted: [NODE] });
    expect(up.sent('scheduler.cluster').nodes).toMatchObject([{ name: NODE, up: false }]);
    expect(up.hear(evicted())).toEqual({ phase: 'up', moved: false, effects: ['reply 2 {}'] });
  });

  it('does not forget it when its site does not know of it yet, or stays silent', () => {
    const two = { members: [member(NODE), member(`${MADE}-1`)], evicted: [] };
    const up = stage(made('up', two));
    up.hear(evicted());
    const there = { externalId: 'x1', name: MADE, status: 'succeeded' as const, description: '' };
    const partition = { ...there, addresses: {}, installation: 'i', createdAt: NOW };
    up.hear(done('poll', { ...partition, evicted: [] }));
    expect(up.state).toMatchObject({ phase: 'up', evicted: [NODE] });
    up.hear(done('poll', { ...partition, evicted: [`${MADE}-1`] }));
    expect(up.state.evicted).toEqual([NODE, `${MADE}-1`]);
    up.hear(done('poll', { ...partition, status: 'failed', description: 'off' }));
    expect(up.state).toMatchObject({ phase: 'releasing', failure: { code: 'evicted' } });
  });

  it('goes at once when it was not up yet, or when nobody holds it', () => {
    const two = [member(NODE, { phase: 'expected' }), member(`${MADE}-1`, { phase: 'expected' })];
    const kept = made('up', { holds: [], keptUntil: NOW + 60_000 });
    for (const state of [made('joining', { members: two }), kept]) {
      const one = stage(state);
      expect(one.hear(evicted()).phase).toBe('releasing');
      expect(one.state).toMatchObject({
        evicted: [NODE],
        failure: { code: 'evicted', text: `the site takes node ${NODE} back` },
      });
    }
  });

  it('is not kept for another job', () => {
    const up = stage(made('up', { keepMs: 60_000 }));
    up.hear(evicted());
    const over = { cluster: MADE, job: ID, attempt: 1, keep: true };
    expect(up.hear(told('cluster.unclaim', over, 5)).phase).toBe('releasing');
  });

  it('goes its way when it is given up besides', () => {
    const up = stage(made('up'));
    const gone = nodeNews(NODE, { evicted: true, phase: 'gone' });
    up.hear(told('cluster.node', gone, 2));
    expect(up.state).toMatchObject({ phase: 'releasing', failure: { code: 'lost' } });
  });
});

describe('a given node whose machine is taken back', () => {
  const news = (change: object) => told('cluster.node', nodeNews('n1', change, 'here'), 2);

  it('takes no jobs, and those that it has hear of it, until it is resumed', () => {
    const here = stage(given({ holds: [hold(onNodes('n1'))] }));
    expect(here.hear(news({ evicted: true })).effects).toEqual(['reply 2 {}', ...NEWS]);
    expect(here.sent('job.cluster')).toMatchObject({ evicted: ['n1'] });
    expect(here.sent('scheduler.cluster').nodes.map(({ up }) => up)).toEqual([false, true]);
    const claim = told('cluster.claim', claimOf(onNodes('n1'), { attempt: 2 }), 5);
    expect(here.hear(claim).effects[0]).toBe('refuse 5 full: the site takes node n1 back');
    here.hear(news({}));
    expect(here.sent('scheduler.cluster').nodes.map(({ up }) => up)).toEqual([true, true]);
    expect(here.hear(claim).effects[0]).toBe('reply 5 {}');
  });

  it('leaves nothing of it behind when it is gone', () => {
    const here = stage(given());
    here.hear(news({ evicted: true }));
    here.hear(news({ evicted: true, phase: 'gone' }));
    expect(here.state.members.map(({ name }) => name)).toEqual(['n2']);
    expect(here.state.evicted).toEqual([]);
  });

  it('is no concern of a job elsewhere', () => {
    const other = stage(made('up', { holds: [hold(onMade())] }));
    expect(other.hear(told('cluster.node', nodeNews('n9', { evicted: true }), 2)).effects).toEqual([
      'reply 2 {}',
    ]);
  });
});
