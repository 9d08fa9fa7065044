import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeKey, makeRequest } from '../../src/platform/certificates.ts';
import { identify } from '../../src/platform/identity.ts';
import type { AuditRow, UserRow } from '../../src/protocol/user-shapes.ts';
import { forAll } from '../e2e/lab.ts';
import { type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace());
const identityOf = ({ cert }: Person) => identify(new X509Certificate(cert));
const POST = { method: 'POST' };
const json = { ...POST, headers: { 'content-type': 'application/json' } };

describe('requests about users', { timeout: 60_000 }, () => {
  it('renew a certificate for another key, of the same user', async () => {
    const { ask, ann, eve } = place();
    const key = makeKey();
    const asked = { ...json, body: JSON.stringify({ csr: await makeRequest(key) }) };
    const answer = await ask(ann, '/v1/user/certificate', asked);
    expect(answer.status).toBe(200);
    const { certificate: cert } = answer.json() as { certificate: string };
    const renewed = { key, cert };
    expect(identityOf(renewed)).toEqual(identityOf(ann));
    expect((await ask(renewed, '/v1/jobs')).status).toBe(200);
    expect((await ask(ann, '/v1/jobs')).status).toBe(200);
    expect((await ask(eve, '/v1/user/certificate', asked)).status).toBe(401);
    const broken = { ...json, body: JSON.stringify({ csr: 'none' }) };
    expect((await ask(ann, '/v1/user/certificate', broken)).status).toBe(400);
  });

  it('are refused to who is no operator', async () => {
    const { ask, ann } = place();
    const add = { ...json, body: '{"name":"mine","operator":true}' };
    for (const [path, asked] of [
      ['/v1/users', {}],
      ['/v1/users', add],
      ['/v1/users/bob', { method: 'DELETE' }],
      ['/v1/audit', {}],
    ] as const)
      expect((await ask(ann, path, asked)).status, path).toBe(403);
  });

  it('revoke users whose certificates lie in the spool, and no others with them', async () => {
    const { ask, admin, ann, bob } = place();
    const users = async () =>
      ((await ask(admin, '/v1/users')).json() as { users: UserRow[] }).users.map(
        ({ name, role, phase }) => `${name} ${role} ${phase}`,
      );
    const before = ['admin operator active', 'ann user active'];
    expect(await users()).toEqual([...before, 'bob user active', 'old user active']);
    expect((await ask(bob, '/user/job')).status).toBe(200);
    const revoked = await ask(admin, '/v1/users/bob', { method: 'DELETE' });
    expect([revoked.status, revoked.json()]).toMatchObject([200, { name: 'bob' }]);
    const refused = await ask(bob, '/v1/jobs');
    expect([refused.status, refused.json()]).toMatchObject([
      401,
      { text: 'this user was revoked' },
    ]);
    expect((await ask(bob, '/user/job')).text).toBe('{"error":"unauthorized"}');
    expect((await ask(ann, '/user/job')).status).toBe(200);
    expect(await users()).toEqual([...before, 'bob user revoked', 'old user active']);
    const [self, unknown] = await Promise.all(
      ['admin', 'nobody'].map((name) => ask(admin, `/v1/users/${name}`, { method: 'DELETE' })),
    );
    expect([self?.status, unknown?.status]).toEqual([409, 404]);
    // Invited again, the key of before still does not speak for them.
    const invited = await ask(admin, '/v1/users', { ...json, body: '{"name":"bob"}' });
    expect(invited.json()).toMatchObject({ name: 'bob', heads: [new URL(place().url).host] });
    expect((await ask(bob, '/v1/jobs')).status).toBe(401);
  });

  it('are told to operators, with what became of them', async () => {
    const { ask, admin, ann } = place();
    const noted = async (query: string) =>
      ((await ask(admin, `/v1/audit?${query}`)).json() as { rows: AuditRow[] }).rows;
    const id = (identityOf(ann) as { id: string }).id;
    const rows = await noted('user=ann');
    expect(rows.map(({ who, what, of, result }) => [who, what, of, result])).toEqual([
      [id, 'user.renew', '', 'done'],
      [id, 'user.renew', '', 'malformed'],
      [id, 'user.add', 'mine', 'forbidden'],
      [id, 'user.revoke', 'bob', 'forbidden'],
    ]);
    expect((await noted('limit=1')).map(({ what }) => what)).toEqual(['user.add']);
    expect(await noted(`since=${Date.now() + 60_000}`)).toEqual([]);
  });
});
