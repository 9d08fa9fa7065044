import { createHash } from 'node:crypto';
import { Malformed } from '../../protocol/errors.ts';

/** What a host must show to be believed. */
export type HostKey = {
  /** As OpenSSH writes it: `SHA256:` and base64. */
  readonly fingerprint: string;
  /** Such as `ssh-ed25519`; '' where only the fingerprint is known. */
  readonly type: string;
};

/** The fingerprint of a public key in the form in which it crosses the wire. */
export const fingerprintOf = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type that a public key says it is of. */
export function typeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return key.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
}

/**
 * Reads a fingerprint (`SHA256:…`), or a public key as a `.pub` file or `ssh-keyscan` has it, with
 * or without the host in front. Throws `Malformed` for anything else.
 */
export function readHostKey(text: string, at: string): HostKey {
  const [fingerprint = ''] = /^SHA256:[A-Za-z0-9+/]{43}$/.exec(text.trim()) ?? [];
  if (fingerprint !== '') return { fingerprint, type: '' };
  const words = text.trim().split(/\s+/);
  const place = words.findIndex((word) => /^(ssh|ecdsa)-/.test(word));
  const key = Buffer.from(words[place + 1] ?? '', 'base64');
  const type = typeOf(key);
  if (place < 0 || type !== words[place])
    throw new Malformed(at, 'a fingerprint `SHA256:…`, or a public key `ssh-ed25519 AAAA…`');
  return { fingerprint: fingerprintOf(key), type };
}
