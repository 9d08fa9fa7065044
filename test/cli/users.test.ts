import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as audit } from '../../src/cli/audit.ts';
import { run as enrol } from '../../src/cli/cert-enrol.ts';
import { run as renew } from '../../src/cli/cert-renew.ts';
import { run as show } from '../../src/cli/cert-show.ts';
import { run as add } from '../../src/cli/user-add.ts';
import { run as list } from '../../src/cli/user-list.ts';
import { ownIdentity } from '../../src/connect.ts';
import { fingerprint } from '../../src/platform/certificates.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { makePki, type Pki, past } from '../platform/pki.ts';
import { staged } from './call.ts';

let folder = '';
let pki: Pki;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-users-'));
  pki = await makePki();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TOKEN = 'very-secret-token';
const invitation = (more: object = {}) => ({
  heads: ['127.0.0.1:1'],
  caFingerprint: fingerprint(pki.authority.certificate),
  token: TOKEN,
  name: 'ann',
  ...more,
});
const file = async (text: string): Promise<string> => {
  const path = join(folder, 'ann.join.json');
  await writeFile(path, text);
  return path;
};

/** Keys of somebody in the folder, as options name them. */
async function keysOf(name: string, expired = false) {
  const user = await pki.user(name, undefined, expired ? past() : undefined);
  const places = ownIdentity(folder);
  await writeFile(places.key, user.key);
  await writeFile(places.certificate, user.shown);
  await writeFile(places.chain, user.chain);
  return { user, places, options: { cert: places.certificate, key: places.key } };
}

describe('an invitation of a user', () => {
  it('has the heads that were named, and is no token on the screen', async () => {
    const output = join(folder, 'for-ann');
    const options = { output, operator: true, url: 'https://a,b:7000' };
    const call = staged({ args: ['ann'], options, answers: { 'user.add': invitation() } });
    expect(await add(call)).toBe(0);
    expect(call.asked).toEqual([['user.add', { name: 'ann', operator: true }]]);
    const written = JSON.parse(await readFile(output, 'utf8'));
    expect(written).toEqual(invitation({ heads: ['a:8443', 'b:7000'] }));
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(call.notes.join('\n')).toContain('swm cert enrol FILE');
    expect([...call.out, ...call.notes].join('\n')).not.toContain(TOKEN);
  });

  it('is refused if it is none, and nothing is made', async () => {
    for (const text of ['', '{}', '{"heads":[]}', JSON.stringify(invitation({ heads: [] })), '[1]'])
      await expect(
        enrol(staged({ args: [await file(text)], options: { to: folder } })),
        text,
      ).rejects.toThrow('is no invitation');
    const nowhere = staged({ args: [join(folder, 'none')], options: { to: folder } });
    await expect(enrol(nowhere)).rejects.toThrow('there is no such file');
    expect(await readdir(folder)).toEqual(['ann.join.json']);
  });

  it('does not write over keys of somebody else, or of another installation', async () => {
    const { places, user: ben } = await keysOf('ben');
    const path = await file(JSON.stringify(invitation()));
    const call = () => enrol(staged({ args: [path], options: { to: folder } }));
    await expect(call()).rejects.toThrow('somebody else’s');
    expect(await readFile(places.key, 'utf8')).toBe(ben.key);
    const { user: ann } = await keysOf('ann');
    await file(JSON.stringify(invitation({ caFingerprint: 'ab'.repeat(32) })));
    await expect(call()).rejects.toThrow('somebody else’s');
    expect(await readFile(places.key, 'utf8')).toBe(ann.key);
  });

  it('is kept with its key when no head answers, for another try', async () => {
    const path = await file(JSON.stringify(invitation()));
    const call = () => enrol(staged({ args: [path], options: { to: folder } }));
    await expect(call()).rejects.toMatchObject({ failure: { code: 'unreachable' } });
    const key = await readFile(join(folder, 'key.pem'), 'utf8');
    expect((await stat(join(folder, 'key.pem'))).mode & 0o777).toBe(0o600);
    await expect(call()).rejects.toBeInstanceOf(Failed);
    expect(await readFile(join(folder, 'key.pem'), 'utf8')).toBe(key);
  });
});

describe('a certificate', () => {
  it('is shown, and one that has expired is a fault', async () => {
    const { options } = await keysOf('ann');
    const call = staged({ options, json: true });
    expect(await show(call)).toBe(0);
    expect(JSON.parse(call.out[0]!)).toMatchObject({ name: 'ann', expired: false });
    await keysOf('ann', true);
    const late = staged({ options });
    expect(await show(late)).toBe(1);
    expect(late.out.join('\n')).toContain(', expired');
  });

  it('is renewed for its key, or for one that is kept before it is asked for', async () => {
    const { places, options, user } = await keysOf('ann');
    const other = await pki.user('ann');
    const answers = { 'user.renew': { certificate: other.shown, chain: pki.chain } };
    expect(await renew(staged({ options, answers }))).toBe(0);
    expect(await readFile(places.key, 'utf8')).toBe(user.key);
    expect(await readFile(places.certificate, 'utf8')).toBe(other.shown);

    const newKey = { ...options, newKey: true };
    await expect(renew(staged({ options: newKey }))).rejects.toBeInstanceOf(Failed);
    // What was asked for and perhaps certified is not thrown away.
    const coming = await readFile(`${places.key}.new`, 'utf8');
    expect(await readFile(places.key, 'utf8')).toBe(user.key);
    expect(await renew(staged({ options: newKey, answers }))).toBe(0);
    expect(await readFile(places.key, 'utf8')).toBe(coming);
    expect((await readdir(folder)).toSorted()).toEqual([
      'ca-chain-cert.pem',
      'cert.pem',
      'key.pem',
    ]);
  });
});

describe('lists for operators', () => {
  it('show users, and what they did', async () => {
    const id = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
    const users = [{ id, name: 'ann', role: 'user', phase: 'revoked', since: 0 }];
    const call = staged({ answers: { 'user.list': { users } } });
    expect(await list(call)).toBe(0);
    expect(call.out[1]).toMatch(/^ann +user +revoked +7c9e/);

    const rows = [
      { at: 0, who: id, door: 'terminal', from: 'x', what: 'job.cancel', of: 'j', result: 'done' },
    ];
    const options = { since: '2026-11-29T18:00:00Z', user: 'ann', limit: '5' };
    const noted = staged({ options, json: true, answers: { 'audit.list': { head: 'h', rows } } });
    expect(await audit(noted)).toBe(0);
    const since = Date.UTC(2026, 10, 29, 18);
    expect(noted.asked).toEqual([['audit.list', { user: 'ann', since, limit: 5 }]]);
    expect(JSON.parse(noted.out[0]!)).toEqual(rows);
    const wrong = audit(staged({ options: { since: 'yesterday' } }));
    await expect(wrong).rejects.toThrow('--since: not yesterday');
  });
});
