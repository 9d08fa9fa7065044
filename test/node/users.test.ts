import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { feedOf } from '../../src/actors/feed.ts';
import { keeping } from '../../src/actors/user/keeping.ts';
import type { User } from '../../src/actors/user/user.ts';
import { openUsers } from '../../src/node/users.ts';
import type { UserIdentity } from '../../src/platform/identity.ts';
import { keyPlaces, writePem } from '../../src/platform/key-files.ts';
import { placesOf, type Spool } from '../../src/platform/spool.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Records } from '../../src/runtime/ports.ts';
import { memoryStore } from '../actors/memory.ts';
import { makePki } from '../platform/pki.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-users-'));
});
afterEach(() => rm(home, { recursive: true }));

const ANN: User = {
  phase: 'active',
  round: 1,
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  name: 'ann',
  role: 'operator',
  tokenHash: '',
  expiresAt: 0,
  keys: ['new', 'old'],
  since: 1,
};
const BEN = { ...ANN, id: ANN.id.replace('7c', '8c'), name: 'ben' };

it('tells users of registry and spool apart, also while records are replaced', async () => {
  const pki = await makePki();
  const spool = { path: home, places: placesOf(home) } as unknown as Spool;
  const demo = (await pki.user('demo')).own as UserIdentity;
  const admin = (await pki.user('admin')).own as UserIdentity;
  for (const { name, id } of [demo, admin])
    await writePem(keyPlaces(home).user(name).certificate, (await pki.user(name, id)).shown);
  const shelf = memoryStore();
  let isReplaced = false;
  const store: Records = {
    get: (key) => read().get(key),
    range: (asked) => read().range(asked),
  };
  const read = (): Records => {
    if (isReplaced) throw new Failed('busy', 'they are being replaced');
    return shelf;
  };
  const keep = (user: User): void => shelf.keep(keeping, `/users/${user.id}`, user);
  keep(ANN);
  const { feed, telling } = feedOf(store, { now: () => 0 }, 'h');
  const users = await openUsers(spool, store, feed);
  const identity = ({ id, name }: User): UserIdentity => ({ kind: 'user', id, name });
  const verdicts = () => [
    ...['new', 'old', 'other'].map((key) => users.refusal(identity(ANN), key)),
    users.refusal(demo, 'any'),
    users.refusal(identity(BEN), 'new'),
    ...[ANN, demo, admin, BEN].map(({ id }) => users.isOperator(id)),
  ];

  const before = [
    ...[undefined, undefined, 'this is no key of that user any more'],
    ...[undefined, 'this user is not registered here'],
    ...[true, false, true, false],
  ];
  expect(verdicts()).toEqual(before);
  isReplaced = true;
  expect(verdicts()).toEqual(before);
  isReplaced = false;

  const revoked = { phase: 'revoked', keys: [], round: 2 } as const;
  keep({ ...BEN, ...revoked });
  keep({ ...BEN, id: demo.id, name: 'demo', role: 'user', ...revoked });
  // Nobody has asked for them since: the news are enough.
  for (const { id } of [BEN, demo])
    telling.changed([{ key: `r/users/${id}#head`, value: undefined }] as never);
  isReplaced = true;
  for (const user of [identity(BEN), demo])
    expect(users.refusal(user, 'new')).toBe('this user was revoked');
  isReplaced = false;
  expect(users.rows().map(({ name, phase }) => `${name} ${phase}`)).toEqual([
    'admin active',
    'ann active',
    'ben revoked',
    'demo revoked',
  ]);
});
