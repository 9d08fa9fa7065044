import { describe, expect, it } from 'vitest';
import { type User, user } from '../../src/actors/user/user.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import { NOW, ours, Stage, told } from './stage.ts';
import { ANN, OPERATOR } from './things.ts';

const ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const HASH = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

const REVOKED: User = {
  phase: 'revoked',
  round: 4,
  id: ID,
  name: 'ann',
  role: 'user',
  tokenHash: '',
  expiresAt: 0,
  keys: [],
  since: NOW - 9,
};
const EXPECTED: User = { ...REVOKED, phase: 'expected', tokenHash: HASH, expiresAt: NOW + 100 };
const ACTIVE: User = { ...EXPECTED, phase: 'active', keys: ['key'] };

const invite = (more: Partial<Body<'user.expect'>> = {}) => {
  const body = { user: ID, name: 'ann', role: 'user', expiresAt: NOW + 50, ...more } as const;
  return told('user.expect', { tokenHash: OTHER, ...body }, 7);
};
const enrol = (tokenHash: string, publicKey: string) =>
  told('user.enrol', { user: ID, tokenHash, publicKey }, 7);
const rekey = (publicKey: string) => told('user.rekey', { user: ID, publicKey }, 7);
const drop = (who: Who) => told('user.drop', { user: ID, name: 'ann', role: 'user' }, 7, who);

describe('a user in the registry', () => {
  it('begins as one that may not speak', () => {
    const args = { user: ID, name: 'ann', role: 'user', tokenHash: HASH, expiresAt: NOW } as const;
    expect(user.init(args, NOW)).toEqual({ ...REVOKED, round: 0, since: NOW });
    for (const state of [REVOKED, EXPECTED, ACTIVE]) expect(user.enter(state, NOW)).toEqual([]);
  });

  const who = 'reply 7 {"name":"ann","role":"user"}';
  const others = 'refuse 7 unauthorized: ann: ';
  it.each<[string, User, object, number, string, Partial<User>]>([
    [
      'is invited as an operator',
      REVOKED,
      invite({ role: 'operator' }),
      0,
      'reply 7 {}',
      {
        phase: 'expected',
        round: 5,
        role: 'operator',
        tokenHash: OTHER,
        expiresAt: NOW + 50,
        since: NOW,
      },
    ],
    [
      'is invited once more, by the same token',
      EXPECTED,
      invite({ tokenHash: HASH }),
      0,
      'reply 7 {}',
      {},
    ],
    [
      'is invited by another token, and the first counts no more',
      EXPECTED,
      invite(),
      0,
      'reply 7 {}',
      { round: 5, tokenHash: OTHER, expiresAt: NOW + 50, since: NOW },
    ],
    [
      'is not invited while it is active',
      ACTIVE,
      invite(),
      0,
      'refuse 7 wrong_phase: user ann is there already',
      {},
    ],
    [
      'spends its token until the last moment',
      EXPECTED,
      enrol(HASH, 'key'),
      100,
      who,
      { phase: 'active', keys: ['key'], since: NOW + 100 },
    ],
    [
      'does not spend it later',
      EXPECTED,
      enrol(HASH, 'key'),
      101,
      `${others}the token has expired`,
      {},
    ],
    [
      'does not enrol by another token',
      EXPECTED,
      enrol(OTHER, 'key'),
      0,
      `${others}wrong token`,
      {},
    ],
    ['gets the same answer for the same key', ACTIVE, enrol(HASH, 'key'), 100, who, {}],
    [
      'does not spend it twice',
      ACTIVE,
      enrol(HASH, 'thief'),
      0,
      `${others}the token was spent on another key`,
      {},
    ],
    [
      'does not enrol once revoked',
      REVOKED,
      enrol('', 'key'),
      0,
      `${others}this user was revoked`,
      {},
    ],
    [
      'takes another key, and keeps the one before',
      ACTIVE,
      rekey('new'),
      0,
      'reply 7 {"name":"ann"}',
      { keys: ['new', 'key'] },
    ],
    [
      'keeps no third key',
      { ...ACTIVE, keys: ['new', 'key'] },
      rekey('newer'),
      0,
      'reply 7 {"name":"ann"}',
      { keys: ['newer', 'new'] },
    ],
    [
      'changes nothing for the key that it has',
      ACTIVE,
      rekey('key'),
      0,
      'reply 7 {"name":"ann"}',
      {},
    ],
    [
      'takes no key before it has enrolled',
      EXPECTED,
      rekey('key'),
      0,
      'refuse 7 unauthorized: user ann is not enrolled',
      {},
    ],
    [
      'takes no key once revoked',
      REVOKED,
      rekey('key'),
      0,
      'refuse 7 unauthorized: user ann is not enrolled',
      {},
    ],
  ])('%s', (_, state, event, atMs, effect, change) => {
    const stage = new Stage<User>(user, state);
    expect(stage.hear(event, atMs).effects).toEqual([effect]);
    expect(stage.state).toEqual({ ...state, ...change });
  });

  it.each([EXPECTED, ACTIVE])('is revoked by an operator when $phase', (state) => {
    const stage = new Stage<User>(user, state);
    const done = [`reply 7 {"id":"${ID}","name":"ann"}`];
    expect(stage.hear(drop(OPERATOR)).effects).toEqual(done);
    const revoked = { ...REVOKED, round: 5, expiresAt: NOW + 100, since: NOW };
    expect(stage.state).toEqual(revoked);
    expect(stage.hear(drop(OPERATOR), 5).effects).toEqual(done);
    expect(stage.state).toEqual(revoked);
  });

  it('is kept as revoked if the registry did not know it', () => {
    const stage = new Stage<User>(user, { ...REVOKED, round: 0 });
    expect(stage.hear(drop(OPERATOR)).effects).toEqual([`reply 7 {"id":"${ID}","name":"ann"}`]);
    expect(stage.state).toEqual({ ...REVOKED, round: 1, since: NOW });
  });

  it.each<[string, Who, string]>([
    ['another user', ANN, 'forbidden: only an operator can revoke a user'],
    ['itself', { door: 'terminal', id: ID }, 'forbidden: only an operator can revoke a user'],
    ['a node', ours, 'forbidden: only an operator can revoke a user'],
    ['a head', { door: 'head', id: 'h2' }, 'forbidden: only an operator can revoke a user'],
    [
      'itself, as an operator',
      { door: 'operator', id: ID },
      'refused: nobody can revoke themselves: ask another one',
    ],
  ])('is not revoked by %s', (_, by, why) => {
    const stage = new Stage<User>(user, ACTIVE);
    expect(stage.hear(drop(by)).effects).toEqual([`refuse 7 ${why}`]);
    expect(stage.state).toEqual(ACTIVE);
  });
});
