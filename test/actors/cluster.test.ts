import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { failure } from '../../src/protocol/errors.ts';
import { claimOf, MADE, made, member, nodeNews } from './clusters.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ID, onMade } from './things.ts';

const on = (state: Cluster) => new Stage<Cluster>(cluster, state);
const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const TRIED = 'tell /reputes/cloud repute.tried';
const [N0 = '', N1 = ''] = onMade(2).nodes;
const attaching = (...nodes: string[]) => nodes.map((node) => `run attach (${node})`);
const expecting = (node: string) => `ask /nodes/${node} node.expect (${node})`;
const node = (...args: Parameters<typeof nodeNews>) => told('cluster.node', nodeNews(...args), 5);
const partition = { externalId: '/id/1', name: MADE, status: 'creating', description: '' };
const lost = failure('site_error', 'the site is down');

describe('a cluster that is made', () => {
  it('is made step by step, each saved before the next', () => {
    const claim = claimOf(onMade(2));
    const stage = on(cluster.init(claim, NOW));
    expect(stage.state).toMatchObject({ phase: 'gone', erased: true });
    expect(stage.hear(told('cluster.claim', claim, 7))).toEqual({
      phase: 'creating',
      moved: true,
      effects: ['reply 7 {}', ...NEWS, 'after 1200000 late', 'run tokens'],
    });
    const hashes = { [N0]: 'a'.repeat(64), [N1]: 'b'.repeat(64) };
    expect(stage.hear(done('tokens', hashes))).toEqual({
      phase: 'creating',
      moved: true,
      effects: [...NEWS, 'after 1200000 late', expecting(N0), expecting(N1)],
    });
    expect(stage.hear(answered('node.expect', {}, N0))).toEqual({
      phase: 'creating',
      moved: false,
      effects: [],
    });
    expect(stage.entered()).toEqual([...NEWS, 'after 1200000 late', expecting(N1)]);
    expect(stage.hear(answered('node.expect', {}, N1))).toEqual({
      phase: 'creating',
      moved: true,
      effects: [...NEWS, 'after 1200000 late', 'run create'],
    });
    expect(stage.hear(done('create', partition))).toEqual({
      phase: 'joining',
      moved: true,
      effects: [...NEWS, 'run poll', ...attaching(N0, N1), 'after 1200000 late'],
    });
    expect(stage.hear(node(N0))).toEqual({
      phase: 'joining',
      moved: false,
      effects: ['reply 5 {}', ...NEWS],
    });
    expect(stage.hear(node(N1))).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 5 {}', TRIED, ...NEWS, ...attaching(N0, N1)],
    });
    expect(stage.hear(told('cluster.unclaim', { cluster: MADE, job: ID, attempt: 1 }, 8))).toEqual({
      phase: 'releasing',
      moved: true,
      effects: ['reply 8 {"gone":false}', ...NEWS, 'run remove'],
    });
    expect(stage.hear(done('remove'))).toEqual({
      phase: 'gone',
      moved: true,
      effects: [
        ...NEWS,
        `ask /nodes/${N0} node.remove (${N0})`,
        `ask /nodes/${N1} node.remove (${N1})`,
      ],
    });
    stage.hears(answered('node.remove', {}, N0), unanswered(failure('not_found', ''), N1));
    expect(stage.state).toMatchObject({ expected: [], externalId: '/id/1', erased: false });
  });

  it('expects its nodes by the tokens of this life, for an hour', () => {
    const stage = on(made('creating', { hashes: { [N0]: 'a'.repeat(64) }, life: 3 }));
    stage.hear({ is: 'again' });
    expect(stage.sent('node.expect')).toEqual({
      node: N0,
      cluster: MADE,
      role: 'worker',
      tokenHash: 'a'.repeat(64),
      expiresAt: NOW + 3_600_000,
    });
  });

  it('asks once more for all nodes that did not answer, and not once for each of them', () => {
    const hashes = { [N0]: 'a'.repeat(64), [N1]: 'b'.repeat(64) };
    const stage = on(made('creating', { hashes, members: [member(N0), member(N1)] }));
    expect(stage.hear(unanswered(failure('timeout', ''), N0))).toEqual({
      phase: 'creating',
      moved: true,
      effects: [...NEWS, 'after 1200000 late', 'after 1000 again'],
    });
    expect(stage.hear({ is: 'again' }, 1_000).effects).toEqual([
      ...NEWS,
      'after 1199000 late',
      expecting(N0),
      expecting(N1),
    ]);
  });

  it('is tried three times at a site that fails, and not again at one that says no', () => {
    const ready = { hashes: {}, expected: [N0], externalId: '' };
    const stage = on(made('creating', ready));
    expect(stage.hear(failed('create', lost)).effects).toEqual([
      ...NEWS,
      'after 1200000 late',
      'after 1000 again',
    ]);
    expect(stage.state.detail).toMatch(/^Initiate a new partition: .*the site is down/);
    expect(stage.hear({ is: 'again' }, 1_000).effects).toContain('run create');
    expect(stage.hear(failed('create', lost), 1_000).effects).toContain('after 2000 again');
    stage.hear({ is: 'again' }, 3_000);
    expect(stage.hear(failed('create', lost), 3_000)).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [...NEWS, 'run remove'],
    });
    for (const why of [failure('quota', ''), failure('capacity', ''), failure('impossible', '')])
      expect(on(made('creating', ready)).hear(failed('create', why)).phase).toBe('releasing');
  });

  it('is up at once if its machines were there before the answer of the site', () => {
    const stage = on(made('creating', { hashes: {}, expected: [N0] }));
    stage.hear(node(N0, { since: NOW + 1 }));
    expect(stage.hear(done('create', partition))).toEqual({
      phase: 'up',
      moved: true,
      effects: [TRIED, ...NEWS, ...attaching(N0)],
    });
  });

  it('is released when it is not up in time, by its own clock over restarts', () => {
    for (const phase of ['creating', 'joining'] as const) {
      const stage = on(made(phase, { members: [member(N0, { phase: 'expected' })] }));
      expect(stage.entered(600_000)).toContain('after 600000 late');
      expect(stage.hear({ is: 'late' }, 1_200_000).phase).toBe('releasing');
      expect(stage.state.failure?.code).toBe('timeout');
    }
  });
});

describe('what the site says while nodes join', () => {
  const joining = (change: Partial<Cluster> = {}) =>
    on(made('joining', { detail: 'Partition spawned', ...change }));
  const says = (status: string, description = '') =>
    done('poll', { ...partition, status, description });

  it('is shown, and asked for again', () => {
    const stage = joining();
    expect(stage.hear(says('creating')).effects).toEqual(['after 2000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual(['run poll']);
    expect(stage.hear(says('succeeded')).effects).toEqual(['after 2000 again', ...NEWS]);
    expect(stage.state.detail).toBe('Waiting for Sky Port port readiness');
    expect(stage.hear(failed('poll', lost)).effects).toEqual(['after 2000 again']);
  });

  it('ends it when it has failed, in the site’s own words', () => {
    const stage = joining();
    expect(stage.hear(says('failed', 'no such image')).phase).toBe('releasing');
    expect(stage.state.failure).toEqual(failure('boot_failed', 'no such image'));
  });

  it('ends it when it is not there any more, and not just not yet in a list', () => {
    const stage = joining();
    for (let i = 0; i < 29; i++)
      expect(stage.hear(done('poll', null)).effects[0]).toBe('after 2000 again');
    expect(stage.state.phase).toBe('joining');
    expect(stage.hear(done('poll', null)).phase).toBe('releasing');
    expect(stage.state.failure?.code).toBe('boot_failed');
    const seen = joining({ tries: 29 });
    seen.hears(says('creating'), says('deleting'));
    expect(seen.state).toMatchObject({ phase: 'joining', tries: 1 });
  });
});

describe('a node of a cluster that was made', () => {
  const silent = { phase: 'silent', since: NOW } as const;

  it('that is silent is waited for, and then the cluster with it is given up', () => {
    const stage = on(made('up'));
    expect(stage.hear(node(N0, silent))).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 5 {}', ...NEWS, ...attaching(N0), 'run poll', 'after 60000 late'],
    });
    const asks = [...NEWS, ...attaching(N0), 'run poll'];
    expect(stage.entered(30_000)).toEqual([...asks, 'after 30000 late']);
    // However long the head was away: its nodes could not reach it.
    expect(stage.entered(600_000)).toEqual([...asks, 'after 15000 late']);
    expect(stage.hear(done('poll', { ...partition, status: 'succeeded' })).effects).toEqual([
      'after 2000 again',
    ]);
    expect(stage.hear({ is: 'late' }, 60_000)).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [...NEWS, 'run remove'],
    });
    expect(stage.state.failure?.code).toBe('lost');
  });

  it('that is heard of again is waited for no more', () => {
    const stage = on(made('up', { members: [member(N0, silent)] }));
    expect(stage.hear(node(N0, { since: NOW + 9 }))).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 5 {}', ...NEWS, ...attaching(N0)],
    });
    expect(stage.hear({ is: 'late' }, 60_000).phase).toBe('up');
  });

  it('that is gone, at its site or by an operator’s word, takes the cluster with it', () => {
    for (const phase of ['creating', 'joining', 'up'] as const) {
      const stage = on(made(phase));
      expect(stage.hear(node(N0, { phase: 'gone', since: NOW + 1 }))).toEqual({
        phase: 'releasing',
        moved: true,
        effects: ['reply 5 {}', ...NEWS, 'run remove'],
      });
    }
    const vanished = on(made('up', { members: [member(N0, silent)] }));
    for (let i = 0; i < 3; i++) vanished.hear(done('poll', null));
    expect(vanished.state).toMatchObject({ phase: 'releasing', failure: { code: 'lost' } });
  });

  it('that tells what is known, or is none of it, changes nothing', () => {
    const stage = on(made('up'));
    const before = stage.state;
    for (const news of [node(N0), node('somebody')])
      expect(stage.hear(news)).toEqual({ phase: 'up', moved: false, effects: ['reply 5 {}'] });
    expect(stage.state).toBe(before);
    for (const phase of ['releasing', 'gone'] as const) {
      const ending = on(made(phase));
      expect(ending.hear(node(N0, { phase: 'silent' })).effects).toEqual(['reply 5 {}']);
    }
  });
});
