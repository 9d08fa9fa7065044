import { describe, expect, it } from 'vitest';
import { type NodeRecord, node } from '../../src/actors/node/node.ts';
import { failure } from '../../src/protocol/errors.ts';
import { answered, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, OPERATOR, worker } from './things.ts';

const HASH = 'a'.repeat(64);
const resources = { cpus: 2, memoryBytes: 1024, gpus: 0 };
const expect1 = {
  node: 'n1',
  cluster: 'swm-1',
  role: 'worker' as const,
  tokenHash: HASH,
  expiresAt: NOW + 60_000,
};
const hello1 = { node: 'n1', address: '10.0.0.1', resources, version: '1' };
const tell = told('node.expect', expect1, 7);
const join = (publicKey: string, tokenHash = HASH) =>
  told('node.join', { node: 'n1', tokenHash, publicKey }, 8);
const hello = (who = worker('n1')) => told('node.hello', hello1, 9, who);
const TOLD = 'ask /clusters/swm-1 cluster.node';
const WATCH = 'watch n1';

const fresh = (state: Partial<NodeRecord> = {}): NodeRecord => ({
  ...node.init(expect1, NOW),
  ...state,
});
const known = (phase: NodeRecord['phase'], change: Partial<NodeRecord> = {}): NodeRecord =>
  fresh({
    phase,
    tokenHash: HASH,
    expiresAt: NOW + 60_000,
    publicKey: phase === 'expected' ? '' : 'key',
    told: phase !== 'gone',
    erased: false,
    ...change,
  });
const on = (state: NodeRecord) => new Stage<NodeRecord>(node, state);

describe('a node', () => {
  it('is expected, joins, says hello, and is watched while its link is up', () => {
    const stage = on(fresh());
    expect(stage.hear(tell)).toEqual({
      phase: 'expected',
      moved: true,
      effects: ['reply 7 {}', TOLD],
    });
    expect(stage.hear(join('key'))).toEqual({
      phase: 'expected',
      moved: false,
      effects: ['reply 8 {"role":"worker","cluster":"swm-1"}'],
    });
    expect(stage.hear(hello())).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 9 {}', TOLD, WATCH],
    });
    expect(
      stage.hear({ is: 'down', who: { node: 'n1', path: '' }, why: 'unreachable' }, 5),
    ).toEqual({
      phase: 'silent',
      moved: true,
      effects: [TOLD],
    });
    expect(stage.state.since).toBe(NOW + 5);
    expect(stage.hear(hello(), 9)).toMatchObject({ phase: 'up', moved: true });
    expect(stage.state.since).toBe(NOW + 9);
  });

  it('that stays up is not silent, however long it says nothing', () => {
    const stage = on(known('up'));
    expect(stage.entered().filter((effect) => effect.startsWith('after'))).toEqual([]);
  });

  it('is silent when its link is down, and that is told again after a restart', () => {
    const down = told('node.link', { node: 'n1', up: false, why: 'reset' });
    const stage = on(known('up'));
    expect(stage.hear(down)).toEqual({ phase: 'silent', moved: true, effects: [TOLD] });
    expect(stage.hear(down, 5)).toEqual({ phase: 'silent', moved: false, effects: [] });
    expect(stage.state.since).toBe(NOW);
    expect(stage.entered(99)).toEqual([TOLD]);
  });

  it('tells its cluster again until that has saved it', () => {
    const stage = on(known('up'));
    expect(stage.hear(unanswered(failure('unreachable', '')))).toEqual({
      phase: 'up',
      moved: false,
      effects: ['after 1000 again'],
    });
    expect(stage.hear({ is: 'again' }).effects).toEqual([TOLD]);
    expect(stage.hear(answered('cluster.node'))).toEqual({
      phase: 'up',
      moved: false,
      effects: [],
    });
  });

  it('that is gone is at rest once its cluster has heard of it', () => {
    const stage = on(known('gone'));
    expect(stage.entered()).toEqual([TOLD]);
    stage.hear(answered('cluster.node'));
    expect(stage.state.told).toBe(true);
    expect(stage.entered()).toEqual([]);
  });
});

describe('a join token', () => {
  it('is good for one key, and gives it the same answer again', () => {
    const stage = on(known('expected'));
    stage.hear(join('key'));
    expect(stage.hear(join('key')).effects).toHaveLength(1);
    expect(stage.hear(join('other')).effects).toEqual([
      'refuse 8 unauthorized: n1: the join token was spent on another key',
    ]);
  });

  it.each([
    ['of another node', known('expected'), 'b'.repeat(64), 'wrong join token'],
    ['of none', known('expected', { tokenHash: '' }), '', 'wrong join token'],
    [
      'that is too old',
      known('expected', { expiresAt: NOW - 1 }),
      HASH,
      'the join token has expired',
    ],
    ['of a node that is gone', known('gone'), HASH, 'this node was removed'],
  ])('%s is refused', (_, state, hash, why) => {
    expect(on(state).hear(join('key', hash)).effects).toEqual([
      `refuse 8 unauthorized: n1: ${why}`,
    ]);
  });

  it('that is expected again leaves a node that joined by it alone', () => {
    const stage = on(known('up'));
    expect(stage.hear(tell)).toEqual({ phase: 'up', moved: false, effects: ['reply 7 {}'] });
  });

  it('that is new begins a new life under the name', () => {
    const stage = on(known('up', { address: '10.0.0.1', resources }));
    const other = { ...expect1, tokenHash: 'b'.repeat(64) };
    expect(stage.hear(told('node.expect', other, 7))).toEqual({
      phase: 'expected',
      moved: true,
      effects: ['reply 7 {}', TOLD],
    });
    expect(stage.state).toMatchObject({ publicKey: '', address: '', resources: { cpus: 0 } });
    // The machine of the life before still has its certificate.
    expect(stage.hear(hello()).effects).toEqual(['refuse 9 refused: node n1 has not joined yet']);
    expect(on(known('gone')).hear(tell)).toMatchObject({ phase: 'expected', moved: true });
  });
});

describe('who says what', () => {
  it('a node speaks for itself', () => {
    const stage = on(known('up'));
    expect(stage.hear(hello(worker('n2'))).effects).toEqual([
      'refuse 9 forbidden: n2 may not speak for n1',
    ]);
  });

  it('one that is gone is refused', () => {
    expect(on(known('gone')).hear(hello()).effects).toEqual([
      'refuse 9 refused: node n1 was removed',
    ]);
  });

  it('one that nobody expected is let in only if it is this very node', () => {
    const unknown = on(node.init(hello1, NOW));
    expect(unknown.hear(hello()).effects).toEqual(['refuse 9 refused: node n1 was removed']);
    expect(unknown.state.erased).toBe(true);
    expect(unknown.hear(told('node.hello', hello1, 9))).toEqual({
      phase: 'up',
      moved: true,
      effects: ['reply 9 {}', 'ask /clusters/here cluster.node', WATCH],
    });
    expect(unknown.state).toMatchObject({ role: 'head', erased: false });
  });

  it('the cluster that is gone has it refused, and its machine is told no more', () => {
    const stage = on(known('up'));
    expect(stage.hear(told('node.remove', { node: 'n1' }, 7))).toEqual({
      phase: 'gone',
      moved: true,
      effects: ['reply 7 {}', TOLD],
    });
    expect(stage.hear(told('node.remove', { node: 'n1' }, 8), 50).effects).toEqual(['reply 8 {}']);
    expect(stage.state).toMatchObject({ since: NOW, publicKey: '', tokenHash: '' });
  });

  it('an operator may give it up, and nobody else; not a head that is up', () => {
    const gone = (who: Parameters<typeof told>[3]) => told('node.gone', { node: 'n1' }, 7, who);
    const stage = on(known('silent'));
    for (const who of [ANN, worker('n1'), { door: 'head', id: 'h2' } as const])
      expect(stage.hear(gone(who)).effects).toEqual([
        'refuse 7 forbidden: only an operator can give up a node',
      ]);
    expect(stage.hear(gone(OPERATOR))).toEqual({
      phase: 'gone',
      moved: true,
      effects: ['reply 7 {"node":"n1","cluster":"swm-1"}', TOLD],
    });
    expect(on(known('up', { role: 'head' })).hear(gone(OPERATOR)).effects).toEqual([
      'refuse 7 wrong_phase: n1 is a head, and is up: stop it first',
    ]);
    expect(on(known('silent', { role: 'head' })).hear(gone(OPERATOR)).phase).toBe('gone');
  });

  it('is forgotten when it is long gone, and its cluster knows', () => {
    const forget = told('node.forget', { node: 'n1', before: NOW + 1 });
    const erased = (state: NodeRecord) => {
      const stage = on(state);
      stage.hear(forget);
      return stage.state.erased;
    };
    expect(erased(known('gone', { told: true }))).toBe(true);
    expect(erased(known('gone'))).toBe(false);
    expect(erased(known('gone', { told: true, since: NOW + 1 }))).toBe(false);
    expect(erased(known('silent'))).toBe(false);
  });
});
