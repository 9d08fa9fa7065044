import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { type NodeRecord, node } from '../../src/actors/node/node.ts';
import { nodeRow } from '../../src/actors/session/read.ts';
import { claimOf, given, hold, nodeNews } from './clusters.ts';
import { NOW, Stage, told } from './stage.ts';
import { ANN, ID, OPERATOR, onNodes, worker } from './things.ts';

const resources = { cpus: 2, memoryBytes: 1024, gpus: 0 };
const hello = { node: 'n1', address: '10.0.0.1', resources, version: '1' };
const known = (phase: NodeRecord['phase']): NodeRecord => ({
  ...node.init(hello, NOW),
  phase,
  role: 'worker',
  publicKey: 'key',
  erased: false,
});
const on = (phase: NodeRecord['phase'] = 'up') => new Stage<NodeRecord>(node, known(phase));
const drain = (change: object = {}, who: typeof OPERATOR | typeof ANN = OPERATOR) =>
  told('node.drain', { node: 'n1', ...change }, 3, who);
const resume = told('node.resume', { node: 'n1' }, 4, OPERATOR);
const TOLD = ['ask /clusters/here cluster.node', 'watch n1'];

describe('a node that is drained', () => {
  it('tells its cluster so, until it is resumed', () => {
    const stage = on();
    expect(stage.hear(drain({ reason: 'a new disk' }), 5)).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 3 {"node":"n1"}', ...TOLD],
    });
    expect(stage.sent('cluster.node')).toMatchObject({ drained: 'keep', phase: 'up' });
    const drained = { since: NOW + 5, reason: 'a new disk' };
    expect(nodeRow(stage.state, [])).toMatchObject({ drained });
    stage.hear(drain({ requeue: true }), 9);
    expect(stage.sent('cluster.node')).toMatchObject({ drained: 'requeue' });
    expect(stage.state.drained).toEqual({ since: NOW + 5, reason: '', requeue: true });
    expect(stage.hear(resume).effects).toEqual(['reply 4 {"node":"n1"}', ...TOLD]);
    expect(stage.sent('cluster.node')).not.toHaveProperty('drained');
    expect(nodeRow(stage.state, [])).not.toHaveProperty('drained');
  });

  it('stays so when it was away, and is forgotten with its bearer', () => {
    const stage = on();
    stage.hear(drain());
    stage.hear({ is: 'down', who: { node: 'n1', path: '' }, why: 'cut' });
    stage.hear(told('node.hello', hello, 9, worker('n1')));
    expect(stage.sent('cluster.node')).toMatchObject({ phase: 'up', drained: 'keep' });
    const tokenHash = 'b'.repeat(64);
    const anew = { node: 'n1', cluster: 'here', role: 'worker' as const, tokenHash };
    stage.hear(told('node.expect', { ...anew, expiresAt: NOW + 1 }));
    expect(stage.state.drained).toBe(null);
  });

  it('is no business of users, nor is one that is gone of anybody', () => {
    expect(on().hear(drain({}, ANN)).effects).toEqual([
      'refuse 3 forbidden: only an operator can drain a node, or resume it',
    ]);
    expect(on('gone').hear(drain())).toEqual({
      phase: 'gone',
      moved: false,
      effects: ['refuse 3 wrong_phase: n1 is no node any more'],
    });
  });
});

describe('the nodes that were given, one of them drained', () => {
  const news = told('cluster.node', nodeNews('n1', { drained: 'requeue' }, 'here'), 2);
  const cluster1 = (holds: Cluster['holds'] = []) => new Stage<Cluster>(cluster, given({ holds }));

  it('takes no new jobs there, and tells those that it has', () => {
    const stage = cluster1([hold(onNodes('n1'))]);
    expect(stage.hear(news).effects).toEqual([
      'reply 2 {}',
      `tell /jobs/${ID} job.cluster`,
      'tell /scheduler scheduler.cluster',
    ]);
    expect(stage.sent('job.cluster').nodes).toMatchObject([{ name: 'n1', drained: 'requeue' }]);
    const { nodes } = stage.sent('scheduler.cluster');
    expect(nodes.map(({ name, up }) => [name, up])).toEqual([
      ['n1', false],
      ['n2', true],
    ]);
    // What was proposed before the scheduler heard is refused.
    const claim = claimOf(onNodes('n1'), { attempt: 2 });
    expect(stage.hear(told('cluster.claim', claim, 5)).effects[0]).toBe(
      'refuse 5 full: node n1 is drained',
    );
    expect(
      stage.hear(told('cluster.claim', claimOf(onNodes('n2'), { attempt: 3 }), 6)).effects,
    ).toContain('reply 6 {}');
  });

  it('takes them again once it is resumed', () => {
    const stage = cluster1();
    stage.hear(news);
    stage.hear(told('cluster.node', nodeNews('n1', {}, 'here'), 2));
    expect(stage.sent('scheduler.cluster').nodes[0]).toMatchObject({ name: 'n1', up: true });
    expect(stage.hear(told('cluster.claim', claimOf(onNodes('n1')), 5)).effects[0]).toBe(
      'reply 5 {}',
    );
  });
});
