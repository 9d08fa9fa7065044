import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { limits } from '../protocol/limits.ts';
import { keyFingerprint } from './certificates.ts';
import { doubt, isSignedBy, NAMELESS, STRANGE, UNSHOWN, type Vouched } from './credentials.ts';
import { type Identity, identify } from './identity.ts';

/** What a certificate says, whenever it is read. */
type Known = {
  readonly identity: Identity;
  readonly keyFingerprint: string;
  readonly fromMs: number;
  readonly untilMs: number;
};

/**
 * Says who has come to a door, as `vouch` does, where the same peers come again and again: programs
 * that make a connection for each request. A certificate of the authority's is read once, byte for
 * byte the same; its dates, and what TLS thinks of it, are looked at each time.
 */
export function knownPeers(authority: X509Certificate): (socket: TLSSocket) => Vouched {
  const known = new Map<string, Known>();
  return (socket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return { why: UNSHOWN };
    const bytes = certificate.raw.toString('latin1');
    let peer = known.get(bytes);
    if (peer === undefined) {
      // Strangers push nobody out.
      if (!isSignedBy(certificate, authority)) return { why: STRANGE };
      peer = read(certificate);
      if (peer !== undefined) keep(known, bytes, peer);
    }
    const why = doubt(socket, peer ?? datesOf(certificate));
    if (why !== undefined) return { why };
    if (peer === undefined) return { why: NAMELESS };
    const { identity, keyFingerprint, untilMs } = peer;
    return { identity, keyFingerprint, untilMs };
  };
}

function read(certificate: X509Certificate): Known | undefined {
  const identity = identify(certificate);
  const { publicKey } = certificate;
  return (
    identity && { identity, keyFingerprint: keyFingerprint(publicKey), ...datesOf(certificate) }
  );
}

const datesOf = ({ validFromDate: from, validToDate: until }: X509Certificate) => ({
  fromMs: from.getTime(),
  untilMs: until.getTime(),
});

/** The one that was read first goes first. */
function keep(known: Map<string, Known>, bytes: string, peer: Known): void {
  known.set(bytes, peer);
  if (known.size > limits.knownPeersMax) known.delete(known.keys().next().value!);
}
