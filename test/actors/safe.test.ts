import { describe, expect, it } from 'vitest';
import { type Safe, SHARED, safe, unknownSecret } from '../../src/actors/safe/safe.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Who } from '../../src/protocol/who.ts';
import { NOW, Stage, told } from './stage.ts';
import { ANN, BEN, OPERATOR, worker } from './things.ts';

const of = (owner: string, ...names: readonly string[]): Stage<Safe> =>
  new Stage<Safe>(safe, {
    phase: 'shut',
    owner,
    secrets: names.map((name) => ({ owner, name, sealed: `old ${name}`, setAt: NOW - 1 })),
  });
const keep = (name: string, who: Who, owner: string = ANN.id) =>
  told('secret.keep', { owner, name, sealed: 'v1.x' }, 7, who);
const drop = (name: string, who: Who, owner: string = ANN.id) =>
  told('secret.drop', { owner, name }, 7, who);
const namesIn = ({ state }: Stage<Safe>) => state.secrets.map(({ name }) => name);

describe('a safe', () => {
  it('begins empty', () => {
    expect(safe.init({ owner: ANN.id, name: 'db', sealed: 'v1.x' }, NOW)).toEqual({
      phase: 'shut',
      owner: ANN.id,
      secrets: [],
    });
    expect(safe.enter(of(ANN.id, 'db').state, NOW)).toEqual([]);
  });

  it('keeps a secret, and another in its place', () => {
    const stage = of(ANN.id, 'db', 'key');
    const effects = ['reply 7 {"name":"db"}'];
    expect(stage.hear(keep('db', ANN))).toEqual({ phase: 'shut', moved: false, effects });
    expect(stage.state.secrets).toEqual([
      { owner: ANN.id, name: 'key', sealed: 'old key', setAt: NOW - 1 },
      { owner: ANN.id, name: 'db', sealed: 'v1.x', setAt: NOW },
    ]);
  });

  it('drops one, and says which is meant if there is none', () => {
    const stage = of(ANN.id, 'db', 'key');
    expect(stage.hear(drop('bd', ANN)).effects).toEqual([
      'refuse 7 not_found: there is no secret bd; is db meant?',
    ]);
    expect(stage.hear(drop('db', ANN)).effects).toEqual(['reply 7 {"name":"db"}']);
    expect(namesIn(stage)).toEqual(['key']);
    expect(unknownSecret('far', ['db', 'key'])).toBe('there is no secret far');
  });

  it('has room for so many, and for a new value of each of those', () => {
    const names = Array.from({ length: limits.secretsMax }, (_, i) => `s${i}`);
    const stage = of(ANN.id, ...names);
    expect(stage.hear(keep('more', ANN)).effects).toEqual([
      `refuse 7 too_large: there are ${limits.secretsMax} secrets; remove one`,
    ]);
    expect(stage.hear(keep('s3', ANN)).effects).toEqual(['reply 7 {"name":"s3"}']);
  });

  const local: Who = { door: 'local', id: 'node head-1' };
  const head: Who = { door: 'head', id: 'head-2' };
  it.each([
    ['another user’s', ANN.id, BEN],
    ['a user’s, of an operator', ANN.id, OPERATOR],
    ['everybody’s, of a user', SHARED, ANN],
    ['everybody’s, of a user of that name', SHARED, { door: 'terminal', id: SHARED } as const],
    ['a user’s, of a worker of that name', ANN.id, worker(ANN.id)],
    ['a user’s, of a head', ANN.id, head],
    ['a user’s, of a node', ANN.id, local],
  ])('refuses to change %s', (_, owner, who) => {
    const stage = of(owner, 'db');
    const effects = ['refuse 7 forbidden: these secrets are not yours to change'];
    expect(stage.hear(keep('db', who, owner)).effects).toEqual(effects);
    expect(stage.hear(drop('db', who, owner)).effects).toEqual(effects);
    expect(stage.state).toEqual(of(owner, 'db').state);
  });

  it('of everybody is changed by operators', () => {
    const stage = of(SHARED, 'db');
    expect(stage.hear(keep('db', OPERATOR, SHARED)).effects).toEqual(['reply 7 {"name":"db"}']);
    expect(stage.hear(drop('db', OPERATOR, SHARED)).effects).toEqual(['reply 7 {"name":"db"}']);
    expect(namesIn(stage)).toEqual([]);
  });
});
