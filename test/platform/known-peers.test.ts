import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Credentials, EXPIRED, NAMELESS, STRANGE } from '../../src/platform/credentials.ts';
import { knownPeers } from '../../src/platform/known-peers.ts';
import { makePki, type Pki } from './pki.ts';

let pki: Pki;
let user: Credentials;
let judge: ReturnType<typeof knownPeers>;
const verify = vi.spyOn(X509Certificate.prototype, 'verify');

/** What TLS tells of a peer that has shown this, and has its key. */
const socket = (pem: string | undefined, authorized = true): TLSSocket =>
  ({
    authorized,
    authorizationError: authorized ? null : 'CERT_SIGNATURE_FAILURE',
    getPeerX509Certificate: () => (pem === undefined ? undefined : new X509Certificate(pem)),
  }) as unknown as TLSSocket;

beforeEach(async () => {
  pki = await makePki();
  user = await pki.user('demo');
  judge = knownPeers(user.authority);
  verify.mockClear();
});
afterEach(() => void vi.useRealTimers());

it('reads what the authority signed once, and says the same of it', () => {
  const first = judge(socket(user.shown));
  expect(first.identity).toEqual(user.own);
  expect(judge(socket(user.shown))).toEqual(first);
  expect(verify).toHaveBeenCalledTimes(1);
});

it('believes nobody for longer than the certificate says, nor whom TLS does not', () => {
  const { untilMs = 0 } = judge(socket(user.shown)) as { readonly untilMs?: number };
  const why = 'the certificate is refused: CERT_SIGNATURE_FAILURE';
  expect(judge(socket(user.shown, false))).toEqual({ why });
  vi.useFakeTimers({ now: untilMs + 1, toFake: ['Date'] });
  expect(judge(socket(user.shown))).toEqual({ why: EXPIRED });
  vi.setSystemTime(0);
  expect(judge(socket(user.shown))).toEqual({ why: 'the certificate is not yet valid' });
});

it('takes no other certificate for a known one, whatever it says of itself', async () => {
  const { id, name } = user.own as { readonly id: string; readonly name: string };
  judge(socket(user.shown));
  const stranger = await makePki(pki.installation);
  expect(judge(socket((await stranger.user(name, id)).shown))).toEqual({ why: STRANGE });
  const again = judge(socket((await pki.user(name, id)).shown));
  expect(again.identity).toEqual(user.own);
  expect(again).not.toEqual(judge(socket(user.shown)));
  // An authority is nobody.
  expect(judge(socket(pki.authority.certificate))).toEqual({ why: NAMELESS });
  expect(judge(socket(undefined))).toEqual({ why: 'no certificate was shown' });
});
