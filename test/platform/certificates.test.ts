import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  certificatesOf,
  fingerprint,
  issue,
  makeAuthority,
  makeKey,
  makeRequest,
  readRequest,
  signRequest,
} from '../../src/platform/certificates.ts';
import { isSignedBy, readCredentials } from '../../src/platform/credentials.ts';
import { alternativeNames, identify } from '../../src/platform/identity.ts';
import {
  keyPlaces,
  loadCredentials,
  readPem,
  writeKeyPair,
  writePem,
} from '../../src/platform/key-files.ts';
import { Malformed } from '../../src/protocol/errors.ts';
import { makeGridPki, makePki } from './pki.ts';

const older = (name: string) =>
  readFileSync(new URL(`../fixtures/older-pki/${name}.pem`, import.meta.url), 'utf8');
const head = {
  kind: 'node',
  role: 'head',
  name: 'h1',
  installation: 'i1',
  hosts: ['localhost', 'h1.example.org', '127.0.0.1', '::1'],
} as const;
const uuid = '2f5ff0c8-9b2f-4b1b-9a0f-3d1f4f5cf1aa';

describe('an authority', () => {
  it('signs itself, may sign others, and no authorities', async () => {
    const authority = await makeAuthority({ installation: 'i1', name: 'a cluster' });
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    expect(fingerprint(certificate)).toBe(
      certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    );
    expect(identify(certificate)).toBeUndefined();
  });

  it('gives no two certificates one serial number, and none outlives it', async () => {
    const until = new Date(Date.now() + 86_400_000);
    const validity = { from: new Date(Date.now() - 1_000), until };
    const authority = await makeAuthority({ installation: 'i1', name: 'c' }, { validity });
    const key = makeKey();
    const made = await Promise.all(Array.from({ length: 20 }, () => issue(authority, key, head)));
    const read = made.map((pem) => new X509Certificate(pem));
    expect(new Set(read.map(({ serialNumber }) => serialNumber)).size).toBe(20);
    expect(read.every(({ serialNumber }) => serialNumber.length === 32)).toBe(true);
    for (const { validToDate } of read)
      expect(Math.abs(validToDate.getTime() - until.getTime())).toBeLessThan(1_000);
  });
});

describe('a node certificate', () => {
  it('says role, name and installation, and names its hosts', async () => {
    const { authority } = await makePki('i1');
    const certificate = new X509Certificate(await issue(authority, makeKey(), head));
    expect(identify(certificate)).toEqual({
      kind: 'node',
      role: 'head',
      name: 'h1',
      installation: 'i1',
    });
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toContain('CN=h1');
    for (const host of ['localhost', 'h1.example.org'])
      expect(certificate.checkHost(host, { subject: 'never' })).toBe(host);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBeDefined();
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });

  it('takes no name that could be read as another', async () => {
    const { authority } = await makePki('i1');
    const key = makeKey();
    for (const bad of [
      { ...head, name: 'h1/../h2' },
      { ...head, name: '' },
      { ...head, installation: 'a/node/head/x' },
      { ...head, hosts: ['x, URI:swm://i1/node/head/h2'] },
      { ...head, hosts: [''] },
    ])
      await expect(issue(authority, key, bad)).rejects.toThrow(Malformed);
  });
});

describe('a user certificate', () => {
  it('has the UUID as subject attribute 2.5.29.17, and any name', async () => {
    const { authority } = await makePki();
    for (const name of ['demo1', 'dé "x", #y + CN=admin', '#0c0161']) {
      const pem = await issue(authority, makeKey(), { kind: 'user', id: uuid, name });
      const certificate = new X509Certificate(pem);
      expect(identify(certificate)).toEqual({ kind: 'user', id: uuid, name });
      const subject = certificate.toLegacyObject().subject as unknown as Record<string, string>;
      expect(subject['subjectAltName']).toBe(uuid);
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    }
  });

  it('is not made for what is no UUID', async () => {
    const { authority } = await makePki();
    const subject = { kind: 'user', id: 'root', name: 'x' } as const;
    await expect(issue(authority, makeKey(), subject)).rejects.toThrow(Malformed);
  });
});

describe('a request', () => {
  it('gives its key to the certificate, and nothing else', async () => {
    const { authority } = await makePki('i1');
    const key = makeKey();
    const csr = await makeRequest(key);
    const certificate = new X509Certificate(
      await signRequest(authority, csr, { ...head, role: 'worker', name: 'w7' }),
    );
    expect(identify(certificate)).toMatchObject({ role: 'worker', name: 'w7' });
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
    const { keyFingerprint, publicKey } = await readRequest(csr);
    expect(publicKey).toEqual(createPublicKey(key).export({ type: 'spki', format: 'der' }));
    expect((await readRequest(await makeRequest(key))).keyFingerprint).toBe(keyFingerprint);
    expect((await readRequest(await makeRequest(makeKey()))).keyFingerprint).not.toBe(
      keyFingerprint,
    );
  });

  it('is refused unless its own key signed it', async () => {
    const csr = await makeRequest(makeKey());
    const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const other = await makeRequest(makeKey());
    const otherDer = Buffer.from(other.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const spki = createSpkiSwap(der, otherDer);
    const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} CERTIFICATE REQUEST-----`);
    const forged = `${begin}\n${spki.toString('base64')}\n${end}\n`;
    await expect(readRequest(forged)).rejects.toThrow(Malformed);
    for (const bad of ['', 'x', csr.slice(0, 200), '-'.repeat(100_000)])
      await expect(readRequest(bad)).rejects.toThrow(Malformed);
  });
});

describe('identify', () => {
  it('cannot be fooled by what a name contains', () => {
    expect(alternativeNames('DNS:a, IP Address:1.2.3.4, URI:swm://i/node/head/h')).toEqual([
      { kind: 'DNS', value: 'a' },
      { kind: 'IP Address', value: '1.2.3.4' },
      { kind: 'URI', value: 'swm://i/node/head/h' },
    ]);
    expect(alternativeNames('DNS:"a, URI:swm://i/node/head/h", DNS:b')).toEqual([
      { kind: 'DNS', value: 'a, URI:swm://i/node/head/h' },
      { kind: 'DNS', value: 'b' },
    ]);
    expect(alternativeNames('DNS:a"b, URI:x')).toEqual([]);
  });
});

describe('credentials', () => {
  it('must fit together', async () => {
    const { authority, chain } = await makePki('i1');
    const key = makeKey();
    const certificate = await issue(authority, key, head);
    expect(readCredentials({ key, certificate, chain }).own).toMatchObject({ name: 'h1' });
    const stranger = await makePki('i1');
    for (const wrong of [
      { key: makeKey(), certificate, chain },
      { key, certificate, chain: stranger.chain },
      { key: 'nonsense', certificate, chain },
      { key, certificate: '', chain },
    ])
      expect(() => readCredentials(wrong)).toThrow(Malformed);
  });

  it('show the intermediate, and trust one cluster of a grid alone', async () => {
    const { grid, pki } = await makeGridPki();
    const sibling = (await makeGridPki(grid)).pki;
    const node = await pki.node('head', 'h1');
    expect(certificatesOf(node.shown).length).toBe(2);
    expect(pki.chain).toMatch(/^(-----BEGIN [^-]+-----\n[^-]+-----END [^-]+-----\n){2}$/);
    expect(fingerprint(node.authority)).toBe(fingerprint(pki.authority.certificate));
    const other = certificatesOf((await sibling.node('head', 'h1')).shown)[0]!;
    expect(isSignedBy(other, node.authority)).toBe(false);
  });
});

describe('an older installation', () => {
  it('has users that are known by their UUID', () => {
    const user = readCredentials({
      key: older('user-key'),
      certificate: older('user'),
      chain: older('ca-chain-cert'),
    });
    const id = '44444444-4444-4444-8444-444444444444';
    expect(user.own).toEqual({ kind: 'user', id, name: 'demo1' });
    expect(fingerprint(user.authority)).toBe(fingerprint(older('cluster')));
    // Its authorities have an id too, which makes no user of them.
    expect(identify(new X509Certificate(older('cluster')))).toBeUndefined();
  });

  it('signs new certificates with its RSA authority', async () => {
    const authority = { key: older('cluster-key'), certificate: older('cluster') };
    const key = makeKey();
    const csr = await makeRequest(key);
    const certificate = await signRequest(authority, csr, head);
    const made = readCredentials({ key, certificate, chain: older('ca-chain-cert') });
    expect(made.own).toMatchObject({ kind: 'node', role: 'head', name: 'h1' });
    expect(isSignedBy(new X509Certificate(certificate), made.authority)).toBe(true);
  });
});

describe('key files', () => {
  it('are read by their owner alone, and survive being written again', async () => {
    const spool = await mkdtemp(join(tmpdir(), 'swm-keys-'));
    try {
      const places = keyPlaces(spool);
      const { authority, chain } = await makePki('i1');
      const key = makeKey();
      const certificate = await issue(authority, key, head);
      await writeKeyPair(places.node, { key: 'old', certificate: 'old' });
      await writeKeyPair(places.node, { key, certificate });
      await writePem(places.chain, chain);
      for (const path of [places.node.key, places.node.certificate, places.chain])
        expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(join(spool, 'secure', 'node'))).mode & 0o777).toBe(0o700);
      expect((await loadCredentials(places.node, places.chain)).own).toMatchObject({ name: 'h1' });
      expect(await readPem(places.cluster.key)).toBeUndefined();
      await expect(loadCredentials(places.cluster, places.chain)).rejects.toThrow(Malformed);
      for (const name of ['../node', '.', '', 'a/b']) expect(() => places.user(name)).toThrow();
    } finally {
      await rm(spool, { recursive: true });
    }
  });
});

/** The first request with the public key of the second: both are P-256, so of one length. */
function createSpkiSwap(der: Buffer, other: Buffer): Buffer {
  const mark = Buffer.from('03420004', 'hex');
  const forged = Buffer.from(der);
  const from = other.indexOf(mark) + mark.length;
  other.copy(forged, forged.indexOf(mark) + mark.length, from, from + 64);
  return forged;
}
