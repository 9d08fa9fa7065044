import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Client, connect } from '../../src/client/client.ts';
import { type IdentityPlace, ownIdentity, socketsTo } from '../../src/connect.ts';
import { certificatesOf } from '../../src/platform/certificates.ts';
import { dialTerminal } from '../../src/platform/dial.ts';
import { identify } from '../../src/platform/identity.ts';
import { loadCredentials } from '../../src/platform/key-files.ts';
import type { AuditRow } from '../../src/protocol/user-shapes.ts';
import { askOnce } from '../api/rest-place.ts';
import type { HeadProcess } from '../chaos/group.ts';
import { heads, submit, untilJob } from './heads.ts';
import { cleanup, folder, forAll, swm, until } from './lab.ts';

const certificateOf = async ({ certificate }: IdentityPlace) =>
  certificatesOf(await readFile(certificate, 'utf8'))[0]!;

describe('a user that is invited', { timeout: 90_000 }, () => {
  const place = forAll(async () => {
    const group = await heads({ workers: 1 });
    const home = await folder();
    const file = join(home, 'ann.join.json');
    const admin = (...args: readonly string[]) => swm([...args, ...group.place()]);
    const ann = ownIdentity(home);
    const urls = group.heads.map(({ url }) => url);
    return { group, home, file, admin, ann, urls };
  });

  const clientOf = (keys: IdentityPlace, url: readonly string[]): Client => {
    const { certificate, key, chain } = keys;
    const open = socketsTo({ url, certificate, key, authorities: chain });
    const client = connect({ open, heads: url.length });
    cleanup(async () => client.close());
    return client;
  };
  const asks = async (keys: IdentityPlace, { url }: HeadProcess, path: string) => {
    const { hostname: host, port } = new URL(url);
    const [cert, key, chain] = await Promise.all(
      [keys.certificate, keys.key, keys.chain].map((path) => readFile(path, 'utf8')),
    );
    const door = { host, port: Number(port), chain: chain as string };
    return askOnce(door, { cert: cert as string, key: key as string }, path, {});
  };
  const refusalOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error) => error.failure.code as string,
    );

  it('gets a certificate for a key of its own, and nobody another by that token', async () => {
    const { home, file, admin, ann, group } = place();
    expect((await admin('user', 'add', 'ann', '-o', file)).code).toBe(0);
    const { heads: addresses, token } = JSON.parse(await readFile(file, 'utf8'));
    expect(addresses).toEqual(group.heads.map(({ url }) => new URL(url).host));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const listed = JSON.parse((await admin('user', 'list', '--json')).stdout);
    expect(listed).toMatchObject([
      { name: 'admin', role: 'operator', phase: 'active' },
      { name: 'ann', role: 'user', phase: 'expected' },
    ]);

    const enrol = (to: string) => swm(['cert', 'enrol', file, '--to', to]);
    expect((await enrol(home)).code).toBe(0);
    const first = await certificateOf(ann);
    expect(identify(first)).toEqual({ kind: 'user', id: listed[1].id, name: 'ann' });
    for (const path of [ann.key, ann.certificate])
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    // An answer that was lost costs nothing.
    expect((await enrol(home)).code).toBe(0);
    const again = await certificateOf(ann);
    expect(again.publicKey.equals(first.publicKey)).toBe(true);
    expect(identify(again)).toEqual(identify(first));
    const thief = await enrol(join(home, 'thief'));
    expect([thief.code, thief.stderr]).toEqual([4, expect.stringContaining('another key')]);
    expect((await admin('user', 'add', 'ann', '-o', join(home, 'x'))).stderr).toContain('already');

    const { stdout } = await admin('audit', '--json');
    expect(stdout).not.toContain(token);
  });

  it('has its own jobs at every head, operators all, and none once it is revoked', async () => {
    const { admin, ann, urls, group } = place();
    const theirs = await submit(group.client(), '#!/bin/sh\n');
    const client = clientOf(ann, urls);
    const own = await submit(client, '#!/bin/sh\n#SWM name long\nexec sleep 300\n');
    await untilJob(client, own, (job) => job.phase === 'running');
    const ids = async (from: Client) =>
      (await from.call('job.list', {})).jobs.map(({ id }) => id).toSorted();
    for (const url of urls) {
      const here = clientOf(ann, [url]);
      expect(await ids(here)).toEqual([own]);
      expect(await refusalOf(here.call('job.show', { id: theirs }))).toBe('forbidden');
      expect(await refusalOf(here.call('user.list', {}))).toBe('forbidden');
      expect(await refusalOf(here.call('user.revoke', { user: 'admin' }))).toBe('forbidden');
    }
    expect(await ids(group.client())).toEqual([own, theirs].toSorted());

    const renewed = await swm([
      ...['cert', 'renew', '--new-key', '--url', urls.join()],
      ...['--cert', ann.certificate, '--key', ann.key, '--ca', ann.chain],
    ]);
    expect(renewed.code).toBe(0);
    // A head that lags knows the new key a moment later than the one that leads.
    for (const url of urls)
      await until(
        async () => (await refusalOf(clientOf(ann, [url]).call('job.list', {}))) === 'none',
      );
    const [links, answers] = await openAll(ann, own);
    expect((await admin('user', 'revoke', 'ann')).stdout).toBe('ann\n');
    await until(async () => links.every(({ why }) => why !== ''));
    expect(links.map(({ why }) => why)).toEqual(
      urls.map(() => 'unauthorized: this user was revoked'),
    );
    await until(async () => answers.every(({ isCut }) => isCut));
    for (const head of group.heads) {
      const older = await asks(ann, head, '/user/job');
      expect([older.status, older.text]).toEqual([401, '{"error":"unauthorized"}']);
      const { status, text } = await asks(ann, head, '/v1/jobs');
      expect([status, text]).toEqual([401, expect.stringContaining('was revoked')]);
      expect(await refusalOf(clientOf(ann, [head.url]).call('job.list', {}))).toBe('unauthorized');
    }
    // Their jobs are not theirs to lose.
    expect((await group.client().call('job.show', { id: own })).job.phase).toBe('running');
    await group.client().call('job.cancel', { id: own });
  });

  it('may come back, under its id and by another key only', async () => {
    const { home, file, admin, ann, urls } = place();
    const before = await swm(['cert', 'enrol', file, '--to', join(home, 'late')]);
    expect([before.code, before.stderr]).toEqual([4, expect.stringContaining('revoked')]);
    const invited = join(home, 'again.json');
    expect((await admin('user', 'add', 'ann', '-o', invited)).code).toBe(0);
    const to = join(home, 'again');
    expect((await swm(['cert', 'enrol', invited, '--to', to])).code).toBe(0);
    const again = ownIdentity(to);
    expect(identify(await certificateOf(again))).toEqual(identify(await certificateOf(ann)));
    for (const url of urls) {
      const { jobs } = await clientOf(again, [url]).call('job.list', {});
      expect(jobs.map(({ name }) => name)).toEqual(['long']);
      expect(await refusalOf(clientOf(ann, [url]).call('job.list', {}))).toBe('unauthorized');
    }
  });

  it('is told of by the heads that it asked', async () => {
    const { group } = place();
    const rows: AuditRow[] = [];
    for (const head of group.heads) {
      const noted = await group.client([head]).call('audit.list', {});
      expect(noted.head).toBe(head.name);
      rows.push(...noted.rows);
    }
    const done = (what: string) => rows.filter((row) => row.what === what);
    expect(
      done('user.add')
        .map(({ result }) => result)
        .toSorted(),
    ).toEqual(['done', 'done', 'wrong_phase']);
    expect(done('user.enrol').map(({ of }) => of)).toEqual(['ann', 'ann', 'ann']);
    expect(done('user.renew')).toHaveLength(1);
    expect(
      done('job.submit')
        .map(({ door }) => door)
        .toSorted(),
    ).toEqual(['operator', 'terminal']);
    const refused = done('user.revoke').filter(({ result }) => result === 'forbidden');
    expect(refused.map(({ of }) => of)).toEqual(['admin', 'admin', 'admin']);
    expect(done('job.list')).toEqual([]);
  });

  /** A link to each head, and a request to each that is answered for as long as the job runs. */
  async function openAll(ann: IdentityPlace, job: string) {
    const { group } = place();
    const credentials = await loadCredentials(ann, ann.chain);
    const links = await Promise.all(
      group.heads.map(async ({ url }) => {
        const address = new URL(url).host;
        const socket = await dialTerminal({ address, credentials, subprotocol: 'swm.v1+json' });
        const link = { why: '' };
        socket.onFrame(() => {});
        socket.onClosed((why) => {
          link.why = why;
        });
        return link;
      }),
    );
    const { key, shown: cert, chain: ca } = credentials;
    const answers = await Promise.all(
      group.heads.map(({ url }) => {
        const answer = { isCut: false };
        const to = new URL(`/v1/jobs/${job}/events`, url);
        return new Promise<typeof answer>((resolve, reject) => {
          const sent = request(to, { key, cert, ca, agent: false }, (response) => {
            response
              .on('error', () => {})
              .on('close', () => {
                answer.isCut = true;
              });
            response.once('data', () => resolve(answer)).resume();
          });
          sent.on('error', reject).end();
        });
      }),
    );
    return [links, answers] as const;
  }
});
