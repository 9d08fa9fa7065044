import { randomUUID } from 'node:crypto';
import { Agent, get, type RequestOptions } from 'node:https';
import { describe, expect, it } from 'vitest';
import {
  certificatesOf,
  fingerprint,
  makeKey,
  makeRequest,
  signRequest,
} from '../../src/platform/certificates.ts';
import { dialTerminal } from '../../src/platform/dial.ts';
import { identify } from '../../src/platform/identity.ts';
import { respond } from '../../src/platform/refusal.ts';
import { requestJoin } from '../../src/platform/request-join.ts';
import { listenTerminals } from '../../src/platform/terminals.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { failureOf } from './mesh-world.ts';
import { makePki } from './pki.ts';

const statusOf = (port: number, tls: RequestOptions, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, path, agent: false, ...tls };
    get(to, (response) => resolve(response.resume().statusCode)).on('error', reject);
  });

describe('a user whose certificate expires', () => {
  it('is cut off then, on a link and on a connection that is kept', async () => {
    const pki = await makePki();
    const untilMs = Math.ceil(Date.now() / 1_000 + 1) * 1_000;
    const validity = { from: new Date(untilMs - 60_000), until: new Date(untilMs) };
    const user = await pki.user('ann', undefined, validity);
    const served = await listenTerminals({
      host: '127.0.0.1',
      port: 0,
      credentials: await pki.node('head', 'h1'),
      admit: () => undefined,
      onRequest: (_, response) => respond(response, 200, {}),
      onTerminal: (link) => link.onFrame(() => {}),
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const tls = { key: user.key, cert: user.shown, ca: user.chain, agent };
    const kept = () => statusOf(served.port, tls, '/user');
    try {
      expect(await kept()).toBe(200);
      const address = `127.0.0.1:${served.port}`;
      const dialled = { address, credentials: user, subprotocol: 'swm.v1+json' } as const;
      const link = await dialTerminal(dialled);
      link.onFrame(() => {});
      const why = new Promise((resolve) => link.onClosed(resolve));
      expect(await why).toBe('unauthorized: the certificate has expired');
      expect(Date.now()).toBeGreaterThanOrEqual(untilMs);
      expect(await kept()).toBe(401);
    } finally {
      agent.destroy();
      await served.close();
    }
  });
});

describe('newcomers', () => {
  it('may ask for a certificate without one, and are told why they get none', async () => {
    const pki = await makePki();
    const head = await pki.node('head', 'h1');
    const csr = await makeRequest(makeKey());
    const joining = await listenTerminals({
      host: '127.0.0.1',
      port: 0,
      credentials: head,
      admit: () => 'nobody is',
      onRequest: (_, response) => respond(response, 500, {}),
      onTerminal: () => {},
      onJoin: async ({ token, name, csr: asked }) => {
        if (token !== 'right') throw new Failed('unauthorized', `${name}: wrong token`);
        const identity = { kind: 'user', id: randomUUID(), name } as const;
        return {
          certificate: await signRequest(pki.authority, asked, identity),
          chain: head.chain,
        };
      },
    });
    const asking = {
      ...{ address: `127.0.0.1:${joining.port}`, csr, name: 'ann', kind: 'user' as const },
      caFingerprint: fingerprint(head.authority),
    };
    try {
      const { certificate } = await requestJoin({ ...asking, token: 'right' });
      expect(identify(certificatesOf(certificate)[0]!)).toMatchObject({ name: 'ann' });
      expect(await failureOf(requestJoin({ ...asking, token: 'wrong' }))).toMatchObject({
        code: 'unauthorized',
        text: expect.stringContaining('ann: wrong token'),
      });
      // A node's certificate is not what a user asked for, nor the other way round.
      const asNode = requestJoin({ ...asking, kind: 'node', token: 'right' });
      expect(await failureOf(asNode)).toMatchObject({ code: 'refused' });
      const answer = await statusOf(joining.port, { ca: head.chain }, '/join');
      expect(answer).toBe(401);
    } finally {
      await joining.close();
    }
  });
});
