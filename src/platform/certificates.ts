import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import type * as Library from '@peculiar/x509';
import { Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import {
  type NodeIdentity,
  namePattern,
  nodeUri,
  type UserIdentity,
  uuidPattern,
} from './identity.ts';

/** A certificate authority at work: both are PEM. The key may sign anybody in: guard it. */
export type Authority = { readonly key: string; readonly certificate: string };

/** What the signer decides that a certificate shall say. `hosts`: names and addresses, any of. */
export type NodeSubject = NodeIdentity & { readonly hosts: readonly string[] };
export type Subject = NodeSubject | UserIdentity;

export type Validity = { readonly from: Date; readonly until: Date };

/** A fresh P-256 private key, as PKCS#8 PEM. */
export const makeKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

/** SHA-256 of the certificate's DER, in lower-case hex: what a join token travels with. */
export function fingerprint(certificate: string | X509Certificate): string {
  const read = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate;
  return createHash('sha256').update(read.raw).digest('hex');
}

/** SHA-256 of a public key's DER, in lower-case hex: the same for a request and its certificate. */
export const keyFingerprint = (key: KeyObject): string =>
  createHash('sha256').update(spki(key)).digest('hex');

/** The certificates of a PEM file, in its order. Throws `Malformed` if there is none. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Malformed('$', 'a certificate in PEM');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new Malformed('$', 'a certificate in PEM that can be read');
  }
}

/**
 * A self-signed authority for one installation. Older installations have two: a grid's, which
 * signs authorities, and the cluster's below it (`parent`).
 */
export async function makeAuthority(
  subject: { readonly installation: string; readonly name: string },
  options: {
    readonly validity?: Validity;
    readonly parent?: Authority;
    readonly signsAuthorities?: boolean;
  } = {},
): Promise<Authority> {
  const x509 = await library();
  checkName('installation', subject.installation);
  const key = makeKey();
  const publicKey = new x509.PublicKey(spki(createPublicKey(key)));
  const own = new x509.Name([
    { CN: [{ utf8String: subject.name }] },
    { O: [{ utf8String: subject.installation }] },
  ]);
  const usage = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await seal(x509, options.parent ?? { key, certificate: '' }, {
    subject: own,
    publicKey,
    validity: options.validity ?? spanOfDays(limits.authorityDaysMax),
    extensions: [
      new x509.BasicConstraintsExtension(true, options.signsAuthorities ? undefined : 0, true),
      new x509.KeyUsagesExtension(usage, true),
    ],
  });
  return { key, certificate };
}

/** A request for a certificate: it proves that its sender has the key, and asks for nothing. */
export async function makeRequest(key: string): Promise<string> {
  const x509 = await library();
  const secret = createPrivateKey(key);
  const algorithm = algorithmOf(secret);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name([{ CN: [{ utf8String: 'swm' }] }]),
    keys: {
      privateKey: secret.toCryptoKey(algorithm, false, ['sign']),
      publicKey: createPublicKey(secret).toCryptoKey(algorithm, true, ['verify']),
    },
    signingAlgorithm: algorithm,
  });
  return `${request.toString('pem')}\n`;
}

/**
 * The public key of a request (SubjectPublicKeyInfo, DER) and its SHA-256 in hex. Throws
 * `Malformed` unless the request is signed by that very key, and the key is P-256.
 */
export async function readRequest(
  csr: string,
): Promise<{ readonly publicKey: Buffer; readonly keyFingerprint: string }> {
  if (csr.length > limits.requestCharsMax) throw new Malformed('$.csr', 'a shorter request');
  const x509 = await library();
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const key = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not P-256');
    if (!(await request.verify())) throw new Error('not signed by its own key');
    const publicKey = spki(key);
    return { publicKey, keyFingerprint: keyFingerprint(key) };
  } catch {
    throw new Malformed('$.csr', 'a PKCS#10 request for a P-256 key, signed by that key');
  }
}

/** Signs a request: its public key alone is taken from it, all that is said of it is `subject`. */
export async function signRequest(
  authority: Authority,
  csr: string,
  subject: Subject,
  validity?: Validity,
): Promise<string> {
  const { publicKey } = await readRequest(csr);
  return certify(authority, publicKey, subject, validity);
}

/** A certificate for a key that was made here. */
export const issue = (
  authority: Authority,
  key: string,
  subject: Subject,
  validity?: Validity,
): Promise<string> => certify(authority, spki(createPublicKey(key)), subject, validity);

async function certify(
  authority: Authority,
  publicKey: Buffer,
  subject: Subject,
  validity: Validity | undefined,
): Promise<string> {
  const x509 = await library();
  const forNode = subject.kind === 'node';
  const days = forNode ? limits.nodeDaysMax : limits.userDaysMax;
  const uses = [x509.ExtendedKeyUsage.clientAuth];
  if (forNode) uses.unshift(x509.ExtendedKeyUsage.serverAuth);
  return seal(x509, authority, {
    subject: new x509.Name(forNode ? nodeName(subject) : userName(subject)),
    publicKey: new x509.PublicKey(publicKey),
    validity: validity ?? spanOfDays(days),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(uses),
      ...(forNode ? [new x509.SubjectAlternativeNameExtension(alternatives(subject))] : []),
    ],
  });
}

/** Values are typed: given as bare text, the library reads quotes and `#` in them as syntax. */
function nodeName(node: NodeSubject): Library.JsonNameParams {
  checkName('installation', node.installation);
  checkName('name', node.name);
  return [{ CN: [{ utf8String: node.name }] }, { O: [{ utf8String: node.installation }] }];
}

function userName(user: UserIdentity): Library.JsonNameParams {
  if (!uuidPattern.test(user.id)) throw new Malformed('$.id', 'a UUID in lower case');
  if (!/^[^\p{Cc}]{1,64}$/u.test(user.name)) throw new Malformed('$.name', '1 to 64 characters');
  return [{ CN: [{ utf8String: user.name }] }, { '2.5.29.17': [{ utf8String: user.id }] }];
}

function alternatives(node: NodeSubject): Library.JsonGeneralNames {
  const hosts = node.hosts.map((host): Library.JsonGeneralName => {
    if (isIP(host) !== 0) return { type: 'ip', value: host };
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(host))
      throw new Malformed('$.hosts', `a host name or an address instead of ${host}`);
    return { type: 'dns', value: host };
  });
  return [...hosts, { type: 'url', value: nodeUri(node) }];
}

type Content = {
  readonly subject: Library.Name;
  readonly publicKey: Library.PublicKey;
  readonly validity: Validity;
  readonly extensions: readonly Library.Extension[];
};

/** Signs. An authority without a certificate signs its own; none outlives its signer. */
async function seal(x509: typeof Library, authority: Authority, content: Content): Promise<string> {
  const secret = createPrivateKey(authority.key);
  const algorithm = algorithmOf(secret);
  const parent =
    authority.certificate === '' ? undefined : new x509.X509Certificate(authority.certificate);
  const { from, until } = content.validity;
  // Taken from the signer's certificate as it stands: other software derives key ids differently.
  const parentId = parent?.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: content.subject,
    issuer: parent?.subjectName ?? content.subject,
    notBefore: from,
    notAfter: parent !== undefined && parent.notAfter < until ? parent.notAfter : until,
    publicKey: content.publicKey,
    signingKey: secret.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [
      ...content.extensions,
      await x509.SubjectKeyIdentifierExtension.create(content.publicKey),
      ...(parentId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(parentId)]),
    ],
  });
  // The library ends without a newline, and files of several certificates are joined from these.
  return `${certificate.toString('pem')}\n`;
}

/** 126 random bits behind a leading 01: positive, and never shorter than the others. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** Starts an hour ago, since the clock of the machine that reads it may be behind ours. */
export const spanOfDays = (days: number): Validity => ({
  from: new Date(Date.now() - 3_600_000),
  until: new Date(Date.now() + days * 86_400_000),
});

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

function algorithmOf(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  if (curve === 'secp384r1') return { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
  throw new Malformed('$.key', 'a P-256, P-384 or RSA key');
}

function checkName(at: string, name: string): void {
  if (!namePattern.test(name))
    throw new Malformed(`$.${at}`, 'letters, digits, dots, dashes, 63 at most');
}

let loaded: Promise<typeof Library> | undefined;

/** A quarter of a second to import, and needed only where something is signed: so only then. */
function library(): Promise<typeof Library> {
  loaded ??= import('reflect-metadata').then(async () => {
    const x509 = await import('@peculiar/x509');
    x509.cryptoProvider.set(webcrypto);
    return x509;
  });
  return loaded;
}
