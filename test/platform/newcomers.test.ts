import { randomUUID } from 'node:crypto';
import { get } from 'node:https';
import { describe, expect, it } from 'vitest';
import {
  certificatesOf,
  fingerprint,
  makeKey,
  makeRequest,
  signRequest,
} from '../../src/platform/certificates.ts';
import { identify } from '../../src/platform/identity.ts';
import { respond } from '../../src/platform/refusal.ts';
import { requestJoin } from '../../src/platform/request-join.ts';
import { listenTerminals } from '../../src/platform/terminals.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { failureOf } from './mesh-world.ts';
import { makePki } from './pki.ts';

const statusOf = (port: number, ca: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, path: '/join', ca, agent: false };
    get(to, (response) => resolve(response.resume().statusCode)).on('error', reject);
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
      const answer = await statusOf(joining.port, head.chain);
      expect(answer).toBe(401);
    } finally {
      await joining.close();
    }
  });
});
