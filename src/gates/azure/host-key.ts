import { createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { fingerprintOf, type HostKey } from '../../platform/ssh/host-key.ts';

/** A machine's own key of SSH, by which whoever dials it knows that it is the one. */
export type MachineKey = {
  /** As sshd keeps it. Secret. */
  readonly privateKey: string;
  /** As in `known_hosts`, without the host: `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
  /** What it must show. */
  readonly known: HostKey;
};

const TYPE = 'ssh-ed25519';
/** What stands before the 32 bytes of an Ed25519 seed in PKCS#8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const LINE = 70;

/**
 * The key that a machine is given at its creation. It follows from the join token of its node,
 * which every head can derive again: so nobody has to keep it, and the first connection already
 * knows whom to expect. The token cannot be found from the key.
 */
export function hostKeyOf(token: string): MachineKey {
  const seed = Buffer.from(hkdfSync('sha256', token, '', 'swm ssh host key', 32));
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const raw = spki.subarray(-32);
  const blob = Buffer.concat([field(TYPE), field(raw)]);
  return {
    privateKey: opensshKey(seed, raw, blob),
    publicKey: `${TYPE} ${blob.toString('base64')}`,
    known: { fingerprint: fingerprintOf(blob), type: TYPE },
  };
}

/** The one format in which every sshd reads an Ed25519 key; see PROTOCOL.key of OpenSSH. */
function opensshKey(seed: Buffer, raw: Buffer, blob: Buffer): string {
  // Two equal numbers tell whether it was decrypted well; nothing is encrypted here.
  const check = createHash('sha256').update(raw).digest().subarray(0, 4);
  const inner = Buffer.concat([
    check,
    check,
    field(TYPE),
    field(raw),
    field(Buffer.concat([seed, raw])),
    field(''),
  ]);
  const padding = Buffer.from(Array.from({ length: -inner.length & 7 }, (_, at) => at + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    count,
    field(blob),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`);
  return `${[begin, ...lines, end].join('\n')}\n`;
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
