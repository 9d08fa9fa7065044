import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { request } from 'node:https';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, makeKey, makeRequest, signRequest } from '../../src/platform/certificates.ts';
import { readCredentials } from '../../src/platform/credentials.ts';
import { attempts, type JoinRequest } from '../../src/platform/join.ts';
import { requestJoin } from '../../src/platform/request-join.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { echoes, failureOf, type MeshWorld, meshWorld } from './mesh-world.ts';
import { makeGridPki, makePki, type Pki } from './pki.ts';

let world: MeshWorld;
let seen: JoinRequest[];

/** Signs for whoever has the token, under the name that it asks for. */
const signing = (to: MeshWorld, pki: Pki) => async (asked: JoinRequest) => {
  seen.push(asked);
  if (asked.token !== 'good') throw new Failed('forbidden', 'the token is not known');
  const subject = {
    kind: 'node',
    role: 'worker',
    name: asked.name,
    installation: pki.installation,
    hosts: [],
  } as const;
  const certificate = await signRequest(pki.authority, asked.csr, subject);
  to.registry.add(`worker ${asked.name}`);
  return { certificate, chain: pki.chain };
};

beforeEach(async () => {
  seen = [];
  world = await meshWorld();
  world.onJoin = signing(world, world.pki);
});
afterEach(() => world.end());

const joining = async (change: object = {}) => ({
  address: world.address,
  caFingerprint: fingerprint(world.pki.authority.certificate),
  token: 'good',
  csr: await makeRequest(makeKey()),
  name: 'w7',
  ...change,
});

describe('joining', () => {
  it('gives a worker with a token its certificate, and then its link', async () => {
    const key = makeKey();
    const answer = await requestJoin(await joining({ csr: await makeRequest(key) }));
    expect(seen.map(({ token, name, address }) => [token, name, address])).toEqual([
      ['good', 'w7', '127.0.0.1'],
    ]);
    const worker = readCredentials({ key, ...answer });
    expect(worker.own).toMatchObject({ kind: 'node', role: 'worker', name: 'w7' });
    await echoes(await world.dial(worker));
  });

  it('works below a grid, where the fingerprint is of the cluster', async () => {
    const { pki } = await makeGridPki();
    const grid = await meshWorld({ pki });
    grid.onJoin = signing(grid, pki);
    try {
      const key = makeKey();
      const csr = await makeRequest(key);
      const caFingerprint = fingerprint(pki.authority.certificate);
      const answer = await requestJoin(
        await joining({ address: grid.address, caFingerprint, csr }),
      );
      await echoes(await grid.dial(readCredentials({ key, ...answer })));
    } finally {
      await grid.end();
    }
  });

  it('tells the newcomer why it is refused', async () => {
    expect(await failureOf(requestJoin(await joining({ token: 'bad' })))).toEqual({
      code: 'forbidden',
      text: `${world.address} refused: the token is not known`,
      retry: false,
    });
    world.onJoin = () => Promise.reject(new TypeError('inner words'));
    const bug = await failureOf(requestJoin(await joining()));
    expect(bug.code).toBe('bug');
    expect(bug.text).not.toContain('inner words');
    expect(world.notes.some((note) => note.includes('inner words'))).toBe(true);
  });

  it('sends no token to a head of another cluster', async () => {
    const other = await meshWorld({ pki: await makePki() });
    other.onJoin = signing(other, other.pki);
    try {
      const failure = await failureOf(requestJoin(await joining({ address: other.address })));
      expect(failure.code).toBe('unauthorized');
      expect(seen).toEqual([]);
    } finally {
      await other.end();
    }
  });

  it('sends no token to a forged head that shows the true authority beside it', async () => {
    const key = makeKey();
    const shown = (await forgedHead(key, world.pki)) + world.pki.authority.certificate;
    let heard = 0;
    const server = createServer({ key, cert: shown, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        heard += bytes.length;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
    const failure = await failureOf(requestJoin(await joining({ address })));
    expect([failure.code, heard]).toEqual(['unauthorized', 0]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('takes no certificate of another key, name or authority', async () => {
    const other = await makePki(world.pki.installation);
    const otherCsr = await makeRequest(makeKey());
    const honest = signing(world, world.pki);
    for (const answer of [
      (asked: JoinRequest) => honest({ ...asked, csr: otherCsr }),
      (asked: JoinRequest) => honest({ ...asked, name: 'w8' }),
      (asked: JoinRequest) => signing(world, other)(asked),
      async (asked: JoinRequest) => ({ ...(await honest(asked)), chain: other.chain }),
    ]) {
      world.onJoin = answer;
      expect((await failureOf(requestJoin(await joining()))).text).toContain('not for w7');
    }
  });
});

describe('the path that asks for no certificate', () => {
  it('is that one alone', async () => {
    expect(await ask('GET', '/join')).toMatchObject({ status: 401 });
    expect(await ask('POST', '/joins', '{}')).toMatchObject({ status: 401 });
    expect(await ask('GET', '/mesh')).toMatchObject({ status: 401 });
    expect(await ask('POST', '/join', '{}')).toMatchObject({ status: 400 });
    expect(seen).toEqual([]);
  });

  it('answers what does not fit with a problem that says where', async () => {
    const csr = await makeRequest(makeKey());
    for (const [body, at] of [
      ['{', '$'],
      ['[]', '$.token'],
      ['null', '$.token'],
      [JSON.stringify({ token: '', csr, name: 'w' }), '$.token'],
      [JSON.stringify({ token: 'good', csr: 5, name: 'w' }), '$.csr'],
      [JSON.stringify({ token: 'good', csr, name: '../w' }), '$.name'],
    ] as const) {
      const { status, type, body: answer } = await ask('POST', '/join', body);
      expect([status, type]).toEqual([400, 'application/problem+json']);
      expect(answer).toMatchObject({ status: 400, code: 'malformed', retry: false });
      expect(String(answer['detail']).startsWith(`${at}: `)).toBe(true);
    }
    expect(seen).toEqual([]);
  });

  it('reads a small body and no more', async () => {
    const { status, body } = await ask('POST', '/join', 'x'.repeat(limits.joinBytesMax + 1));
    expect([status, body['code']]).toEqual([413, 'too_large']);
  });

  it('counts the attempts of an address, right or wrong', async () => {
    for (let n = 0; n < limits.joinsPerMinute; n++) await ask('POST', '/join', '{}');
    const failure = await failureOf(requestJoin(await joining()));
    expect(failure).toMatchObject({ code: 'busy', retry: true });
    expect(failure.text).toMatch(/try again in \d+ s/);
    expect(seen).toEqual([]);
  });

  it('hears who is expected, whoever shares its address', async () => {
    for (let n = 0; n < limits.joinsPerMinute; n++) await ask('POST', '/join', '{}');
    const asked = await joining();
    expect(await failureOf(requestJoin(asked))).toMatchObject({ code: 'busy' });
    world.tokens.add(asked.token);
    expect(await requestJoin(asked)).toHaveProperty('certificate');
    expect(seen).toHaveLength(1);
  });

  it('counts by windows, and forgets the oldest address of too many', () => {
    const wait = attempts(2, 1_000);
    expect([wait('a', 0), wait('a', 1), wait('a', 400), wait('b', 400)]).toEqual([0, 0, 600, 0]);
    expect([wait('a', 999), wait('a', 1_000)]).toEqual([1, 0]);
    for (let n = 0; n < limits.joinAddressesMax; n++) wait(`x${n}`, 1_001);
    expect([wait('a', 1_002), wait('a', 1_002), wait('a', 1_002)]).toEqual([0, 0, 1_000]);
  });
});

/** Says that the authority signed it, in all but the signature, which is its own. */
async function forgedHead(key: string, pki: Pki): Promise<string> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const forged = await x509.X509CertificateGenerator.create({
    subject: 'CN=h1',
    issuer: new x509.X509Certificate(pki.authority.certificate).subjectName,
    publicKey: new x509.PublicKey(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    signingKey: createPrivateKey(key).toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: `swm://${pki.installation}/node/head/h1` },
      ]),
    ],
  });
  return `${forged.toString('pem')}\n`;
}

/** A request of a peer that shows no certificate. */
function ask(method: string, path: string, body?: string) {
  return new Promise<{ status: number; type: string; body: Record<string, unknown> }>(
    (resolve, reject) => {
      const port = world.listening.port;
      const sent = request(
        {
          method,
          path,
          headers: body === undefined ? {} : { 'content-length': Buffer.byteLength(body) },
          createConnection: () => connect({ host: '127.0.0.1', port, rejectUnauthorized: false }),
        },
        (response) => {
          let text = '';
          response.on('data', (part) => {
            text += part;
          });
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              type: String(response.headers['content-type']),
              body: JSON.parse(text) as Record<string, unknown>,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    },
  );
}
