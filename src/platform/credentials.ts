import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { certificatesOf, keyFingerprint } from './certificates.ts';
import { type Identity, identify } from './identity.ts';

/** What a node or a user shows of itself, and whom it believes. */
export type Credentials = {
  /** PEM. */
  readonly key: string;
  /** PEM of the own certificate and of the authority that signed it: what peers are shown. */
  readonly shown: string;
  /** PEM of all authorities, the cluster's and what is above it. */
  readonly chain: string;
  /** Undefined for the certificate of an older installation's node: good for serving only. */
  readonly own: Identity | undefined;
  /**
   * The authority that signed the own certificate. Peers must be signed by this very one: a
   * grid's other clusters are strangers.
   */
  readonly authority: X509Certificate;
  /** Shared by all that is dialled with these credentials; made when first needed. */
  readonly context: () => SecureContext;
  /** The last TLS session by address, so that dialling it again costs half. */
  readonly sessions: Map<string, Session>;
};

/**
 * A session to resume, and the certificate that its peer showed when it began: a resumed
 * connection shows none to the one who dials.
 */
export type Session = { readonly ticket: Buffer; readonly certificate: X509Certificate };

/** Reads PEM texts and checks that they belong together. Throws `Malformed` if they do not. */
export function readCredentials(pem: {
  readonly key: string;
  readonly certificate: string;
  readonly chain: string;
}): Credentials {
  const certificate = certificatesOf(pem.certificate)[0]!;
  const authorities = certificatesOf(pem.chain);
  const authority = authorities.find((candidate) => isSignedBy(certificate, candidate));
  if (authority === undefined)
    throw new Malformed('$.certificate', 'a certificate that an authority of the chain signed');
  if (!certificate.checkPrivateKey(privateKey(pem.key)))
    throw new Malformed('$.key', 'the key of the certificate');
  const shown = certificate.toString() + authority.toString();
  let context: SecureContext | undefined;
  return {
    key: pem.key,
    shown,
    chain: authorities.join(''),
    own: identify(certificate),
    authority,
    context: () => {
      context ??= createSecureContext({
        key: pem.key,
        cert: shown,
        ca: authorities.join(''),
        minVersion: 'TLSv1.3',
      });
      return context;
    },
    sessions: new Map(),
  };
}

/** Keeps a session for the next dialling of the same address; the oldest goes first. */
export function keepSession(credentials: Credentials, address: string, session: Session): void {
  const { sessions } = credentials;
  sessions.delete(address);
  sessions.set(address, session);
  if (sessions.size > limits.sessionsMax) sessions.delete(sessions.keys().next().value!);
}

/** Why who was believed is not any more. */
export const EXPIRED = 'the certificate has expired';
/** Why others' are not. */
export const STRANGE = 'the certificate is not signed by this cluster';
export const NAMELESS = 'the certificate names nobody';
export const UNSHOWN = 'no certificate was shown';

export type Vouched =
  | {
      readonly identity: Identity;
      readonly keyFingerprint: string;
      /** When its certificate expires, ms since the epoch. */
      readonly untilMs: number;
      readonly why?: undefined;
    }
  | { readonly identity?: undefined; readonly why: string };

/** Who is at the other end, proven, or why that is not known. */
export function vouch(
  socket: TLSSocket,
  authority: X509Certificate,
  resumed?: X509Certificate,
): Vouched {
  const proven = prove(socket, authority, resumed);
  if (proven.why !== undefined) return proven;
  const identity = identify(proven.certificate);
  if (identity === undefined) return { why: NAMELESS };
  const { publicKey, validToDate } = proven.certificate;
  return { identity, keyFingerprint: keyFingerprint(publicKey), untilMs: validToDate.getTime() };
}

/**
 * The certificate that the peer has the key of, if the authority signed it. Everything is looked at
 * anew on each connection, for TLS itself checks no dates on a resumed one. `resumed` is the
 * certificate that came when the session which the dialler resumes was made.
 */
export function prove(
  socket: TLSSocket,
  authority: X509Certificate,
  resumed?: X509Certificate,
):
  | { readonly certificate: X509Certificate; readonly why?: undefined }
  | { readonly certificate?: undefined; readonly why: string } {
  const certificate = socket.isSessionReused() && resumed ? resumed : shownBy(socket);
  if (certificate === undefined) return { why: UNSHOWN };
  if (!isSignedBy(certificate, authority)) return { why: STRANGE };
  const { validFromDate: from, validToDate: until } = certificate;
  const why = doubt(socket, { fromMs: from.getTime(), untilMs: until.getTime() });
  return why === undefined ? { certificate } : { why };
}

/** What may have changed since a certificate was looked at before, and so is asked each time. */
export function doubt(
  socket: TLSSocket,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): string | undefined {
  const now = Date.now();
  if (now > untilMs) return EXPIRED;
  if (now < fromMs) return 'the certificate is not yet valid';
  // Node types it as an Error and gives the code as text.
  if (!socket.authorized) return `the certificate is refused: ${String(socket.authorizationError)}`;
  return undefined;
}

/**
 * The peer's own certificate. Not by `getPeerX509Certificate`: on the side that dials, that takes
 * the certificate off the chain, and gives its issuer when it is called again.
 */
export function shownBy(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  return raw === undefined ? undefined : new X509Certificate(raw);
}

/** True if the authority's key signed it, not merely if the names fit. */
export const isSignedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

function privateKey(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Malformed('$.key', 'a private key in PEM');
  }
}
