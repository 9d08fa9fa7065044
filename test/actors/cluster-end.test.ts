import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { failure } from '../../src/protocol/errors.ts';
import { given, hold, MADE, made, member, nodeNews } from './clusters.ts';
import { done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ID, OTHER, onMade, onNodes } from './things.ts';

const on = (state: Cluster) => new Stage<Cluster>(cluster, state);
const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const [N0 = ''] = onMade(2).nodes;
const node = (...args: Parameters<typeof nodeNews>) => told('cluster.node', nodeNews(...args), 5);
const lost = failure('site_error', 'the site is down');

describe('a cluster that goes', () => {
  it('is tried to be removed for ever, less and less often', () => {
    const stage = on(made('releasing'));
    const waits: unknown[] = [];
    for (let i = 0, at = 0; i < 6; i++) {
      waits.push(stage.hear(failed('remove', lost), at).effects.at(-1));
      at = stage.state.retryAt - NOW;
      expect(stage.entered(at - 1).at(-1)).toBe('after 1 again');
      expect(stage.hear({ is: 'again' }, at).effects).toEqual([...NEWS, 'run remove']);
    }
    const expected = [5_000, 10_000, 20_000, 30_000, 30_000, 30_000];
    expect(waits).toEqual(expected.map((ms) => `after ${ms} again`));
  });

  it('has its nodes refused, until the registry has said so', () => {
    const stage = on(made('gone', { expected: [N0] }));
    expect(stage.hear(unanswered(failure('unreachable', ''), N0))).toEqual({
      phase: 'gone',
      moved: true,
      effects: [...NEWS, 'after 1000 again'],
    });
    expect(stage.hear({ is: 'again' }, 1_000).effects).toEqual([
      ...NEWS,
      `ask /nodes/${N0} node.remove (${N0})`,
    ]);
  });

  it('is forgotten only when it is old, and nothing is left to do', () => {
    const forget = told('cluster.forget', { cluster: MADE, before: NOW + 1 });
    const erased = (state: Cluster) => {
      const stage = on(state);
      stage.hear(forget);
      return stage.state.erased;
    };
    expect(erased(made('gone'))).toBe(true);
    expect(erased(made('gone', { since: NOW + 1 }))).toBe(false);
    expect(erased(made('gone', { expected: [N0] }))).toBe(false);
    expect(erased(made('up'))).toBe(false);
  });
});

describe('a stray', () => {
  const stray = { cluster: MADE, remote: 'west', externalId: '/id/9' };
  const condemn = told('cluster.condemn', stray);

  it('that bears no name of ours is removed like any other', () => {
    const stage = on(cluster.init(stray, NOW));
    expect(stage.state).toMatchObject({ phase: 'releasing', erased: false });
    expect(stage.entered()).toEqual(['tell /scheduler scheduler.cluster', 'run remove']);
    expect(stage.hear(condemn)).toEqual({ phase: 'releasing', moved: false, effects: [] });
    expect(stage.hear(done('remove'))).toEqual({
      phase: 'gone',
      moved: true,
      effects: ['tell /scheduler scheduler.cluster'],
    });
  });

  it('of a name that is gone is removed where it is, and one in use is left alone', () => {
    const gone = on(made('gone', { holds: [] }));
    gone.hear(condemn);
    expect(gone.raw).toContainEqual({
      do: 'run',
      task: 'remove',
      input: { remote: 'west', cluster: MADE, externalId: '/id/9' },
    });
    for (const phase of ['creating', 'joining', 'up', 'releasing'] as const)
      expect(on(made(phase)).hear(condemn)).toEqual({ phase, moved: false, effects: [] });
  });
});

describe('nodes that were given', () => {
  const here = (name: string, change: Parameters<typeof nodeNews>[1] = {}) =>
    node(name, change, 'here');
  const held = { holds: [hold(onNodes('n1')), hold(onNodes('n2'), { job: OTHER })] };

  it('come, and tell only who holds them', () => {
    const stage = on(given(held));
    expect(stage.hear(here('n3')).effects).toEqual([
      'reply 5 {}',
      'tell /scheduler scheduler.cluster',
    ]);
    expect(stage.hear(here('n1', { phase: 'silent', since: NOW + 1 }))).toEqual({
      phase: 'up',
      moved: false,
      effects: ['reply 5 {}', ...NEWS],
    });
    expect(stage.hear({ is: 'late' }, 9_999_999)).toMatchObject({ phase: 'up' });
  });

  it('that are gone stay known to who holds them, and to nobody else', () => {
    const stage = on(given(held));
    const gone = { phase: 'gone' as const, since: NOW + 1 };
    expect(stage.hear(here('n1', gone)).effects).toEqual(['reply 5 {}', ...NEWS]);
    expect(stage.state.members.map(({ name }) => name)).toEqual(['n1', 'n2']);
    stage.hear(told('cluster.unclaim', { cluster: 'here', job: ID, attempt: 1 }, 8));
    expect(stage.state.members.map(({ name }) => name)).toEqual(['n2']);
    expect(stage.hear(here('n1', gone)).effects).toEqual(['reply 5 {}']);
  });

  it('are told to the scheduler with what is left of them', () => {
    const port = { ...onNodes('n1'), ports: [8888] };
    const stage = on(given({ holds: [hold(port)], members: [member('n1'), member('n2')] }));
    stage.hear(here('n2', { phase: 'silent' }));
    const [{ total } = { total: null }, n2] = stage.sent('scheduler.cluster').nodes;
    expect(stage.sent('scheduler.cluster')).toMatchObject({ open: true, made: null });
    expect(stage.sent('scheduler.cluster').nodes[0]).toEqual({
      name: 'n1',
      up: true,
      total,
      free: { ...total, cpus: 1 },
      ports: [8888],
    });
    expect(n2).toMatchObject({ name: 'n2', up: false, free: total });
  });
});
