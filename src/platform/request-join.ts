import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { Failed, isCode } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { certificatesOf, fingerprint } from './certificates.ts';
import { isSignedBy, shownBy } from './credentials.ts';
import { connected } from './dial.ts';
import { identify } from './identity.ts';
import type { JoinAnswer } from './join.ts';

export type JoinDial = {
  /** `host:port` of a head's door for nodes, or for users. */
  readonly address: string;
  /** SHA-256 of the cluster authority's certificate, in hex. */
  readonly caFingerprint: string;
  /** Secret: sent only to a head that this authority signed. */
  readonly token: string;
  /** PKCS#10, PEM. */
  readonly csr: string;
  /** The name that the token was made for, and whose it is; a node's unless given. */
  readonly name: string;
  readonly kind?: 'node' | 'user';
  /** For tests. */
  readonly handshakeMsMax?: number;
};

/**
 * Asks a head for a certificate. The head proves itself first, by the fingerprint that came with
 * the token; then the answer is checked: signed by the same authority, for this name and this key.
 * Throws `Failed` with the head's own reason. The same request again gets the same answer.
 */
export async function requestJoin(join: JoinDial): Promise<JoinAnswer> {
  const wanted = join.caFingerprint.replaceAll(':', '').toLowerCase();
  const untilMs = performance.now() + (join.handshakeMsMax ?? limits.handshakeMsMax);
  const socket = await connected(join.address, { minVersion: 'TLSv1.3' }, untilMs);
  try {
    const authority = authorityOf(socket, wanted);
    if (authority === undefined)
      throw new Failed('unauthorized', `${join.address} is not a head of the expected cluster`);
    const { status, text } = await post(socket, join, untilMs);
    return checked(answerOf(status, text, join.address), join, authority);
  } finally {
    socket.destroy();
  }
}

/** The authority of that fingerprint, if it signed what the peer shows and that is a head's. */
function authorityOf(socket: TLSSocket, wanted: string): X509Certificate | undefined {
  const leaf = shownBy(socket);
  if (leaf === undefined) return undefined;
  const authority = chainOf(socket).find((one) => fingerprint(one) === wanted);
  if (authority === undefined || !authority.ca || !isSignedBy(leaf, authority)) return undefined;
  const now = Date.now();
  if (now < leaf.validFromDate.getTime() || now > leaf.validToDate.getTime()) return undefined;
  const identity = identify(leaf);
  return identity?.kind === 'node' && identity.role === 'head' ? authority : undefined;
}

/** The peer's chain; Node links each certificate to its issuer, the last one to itself. */
function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const found = new Map<string, X509Certificate>();
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && !found.has(next.fingerprint256) && found.size < 8) {
    found.set(next.fingerprint256, new X509Certificate(next.raw));
    next = next.issuerCertificate;
  }
  return [...found.values()];
}

function post(
  socket: TLSSocket,
  { address, token, csr, name }: JoinDial,
  untilMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const body = JSON.stringify({ token, csr, name });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(late);
      socket.destroy();
      reject(new Failed('unreachable', `${address} did not answer: ${why}`));
    };
    const late = setTimeout(
      () => fail('it took too long'),
      Math.max(1, untilMs - performance.now()),
    );
    const sent = request(
      {
        method: 'POST',
        path: '/join',
        createConnection: () => socket,
        headers: {
          host: address,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > 4 * limits.joinBytesMax) fail('it answered too much');
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          clearTimeout(late);
          resolve({ status: response.statusCode ?? 0, text });
        });
      },
    );
    sent.on('error', (error) => fail(error.message));
    sent.end(body);
  });
}

function answerOf(status: number, text: string, address: string): JoinAnswer {
  let body: Readonly<Record<string, unknown>>;
  try {
    body = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new Failed('unreachable', `${address} answered with status ${status} and no JSON`);
  }
  const { certificate, chain, code, detail } = body;
  if (status === 200 && typeof certificate === 'string' && typeof chain === 'string')
    return { certificate, chain };
  throw new Failed(isCode(code) ? code : 'refused', `${address} refused: ${String(detail)}`);
}

/** A head that is believed may still be wrong: better to see it now than at the first link. */
function checked(answer: JoinAnswer, join: JoinDial, authority: X509Certificate): JoinAnswer {
  const certificate = certificatesOf(answer.certificate)[0]!;
  const identity = identify(certificate);
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const asked = Buffer.from(join.csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const fits =
    isSignedBy(certificate, authority) &&
    identity?.kind === (join.kind ?? 'node') &&
    identity.name === join.name &&
    asked.includes(key) &&
    certificatesOf(answer.chain).some((one) => fingerprint(one) === fingerprint(authority));
  if (!fits)
    throw new Failed('refused', `${join.address} gave a certificate that is not for ${join.name}`);
  return answer;
}
