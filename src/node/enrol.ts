import { randomUUID, X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Config } from '../config.ts';
import {
  type Authority,
  fingerprint,
  issue,
  makeAuthority,
  makeKey,
  makeRequest,
} from '../platform/certificates.ts';
import type { Credentials } from '../platform/credentials.ts';
import { identify } from '../platform/identity.ts';
import {
  keyPlaces,
  loadCredentials,
  readPem,
  writeKeyPair,
  writePem,
} from '../platform/key-files.ts';
import { requestJoin } from '../platform/request-join.ts';
import type { Spool } from '../platform/spool.ts';
import { Failed } from '../protocol/errors.ts';

export type HeadKeys = {
  readonly authority: Authority;
  /** PEM of the authority, and of those above it. */
  readonly chain: string;
  readonly caFingerprint: string;
  readonly credentials: Credentials;
};

/** By which name the node of a spool was enrolled; undefined if it has not been. */
export async function enrolledName(spool: Spool): Promise<string | undefined> {
  const pem = await readPem(keyPlaces(spool.path).node.certificate);
  const identity = pem === undefined ? undefined : identify(new X509Certificate(pem));
  return identity?.kind === 'node' ? identity.name : undefined;
}

/** Makes, once, what a head needs to be believed: an authority, its own key, and an admin. */
export async function enrolHead(spool: Spool, config: Config): Promise<HeadKeys> {
  const places = keyPlaces(spool.path);
  const { installation } = spool;
  let certificate = await readPem(places.cluster.certificate);
  if (certificate === undefined) {
    const made = await makeAuthority({ installation, name: `swm ${installation.slice(0, 8)}` });
    await writePem(places.chain, made.certificate);
    await writeKeyPair(places.cluster, made);
    certificate = made.certificate;
  }
  const key = await readPem(places.cluster.key);
  const chain = await readPem(places.chain);
  if (key === undefined || chain === undefined)
    throw new Failed(
      'corrupt',
      `${spool.places.cluster} has a certificate but not the key or the chain that go with it: ` +
        'restore them, or begin with a new spool.',
    );
  const authority = { key, certificate };
  await enrolNode(spool, config, authority);
  await enrolAdmin(spool, authority);
  const credentials = await loadCredentials(places.node, places.chain);
  return { authority, chain, caFingerprint: fingerprint(certificate), credentials };
}

/** Names and addresses that a head may be dialled by. */
export const hostsOf = (config: Config): readonly string[] => [
  ...new Set([
    'localhost',
    '127.0.0.1',
    '::1',
    hostname(),
    config.name,
    config.address,
    ...config.mesh.advertise.map((address) => address.replace(/:\d+$/, '')),
  ]),
];

async function enrolNode(spool: Spool, config: Config, authority: Authority): Promise<void> {
  const place = keyPlaces(spool.path).node;
  if ((await readPem(place.certificate)) !== undefined) return;
  const key = makeKey();
  const certificate = await issue(authority, key, {
    kind: 'node',
    role: 'head',
    name: config.name,
    installation: spool.installation,
    hosts: hostsOf(config),
  });
  await writeKeyPair(place, { key, certificate });
}

async function enrolAdmin(spool: Spool, authority: Authority): Promise<void> {
  const place = keyPlaces(spool.path).user('admin');
  if ((await readPem(place.certificate)) !== undefined) return;
  const key = makeKey();
  const subject = { kind: 'user', id: randomUUID(), name: 'admin' } as const;
  await writeKeyPair(place, { key, certificate: await issue(authority, key, subject) });
}

type JoinFile = {
  readonly heads: readonly string[];
  readonly caFingerprint: string;
  readonly token: string;
  readonly name: string;
};

export type WorkerKeys = { readonly credentials: Credentials; readonly heads: readonly string[] };

/**
 * Joins a worker, once: its key is made here and never leaves; the token buys its certificate, and
 * is removed. A second start finds what the first was given.
 */
export async function enrolWorker(spool: Spool, config: Config): Promise<WorkerKeys> {
  const places = keyPlaces(spool.path);
  const heads = `${spool.places.node}/heads.json`;
  const known = await readPem(heads);
  if (known !== undefined && (await readPem(places.node.certificate)) !== undefined) {
    await rm(config.join, { force: true });
    const credentials = await loadCredentials(places.node, places.chain);
    return { credentials, heads: JSON.parse(known) as string[] };
  }
  const file = await readJoinFile(config.join);
  const key = (await readPem(places.node.key)) ?? makeKey();
  // Kept before it is sent: the same key again gets the same answer.
  await writePem(places.node.key, key);
  const csr = await makeRequest(key);
  const answer = await joinAny(file, csr);
  await writePem(places.chain, answer.chain);
  await writePem(heads, JSON.stringify(file.heads));
  await writePem(places.node.certificate, answer.certificate);
  await rm(config.join, { force: true });
  return { credentials: await loadCredentials(places.node, places.chain), heads: file.heads };
}

async function readJoinFile(path: string): Promise<JoinFile> {
  if (path === '')
    throw new Failed('malformed', 'a worker needs `join: FILE`, with the token to join by');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as JoinFile;
  } catch (error) {
    throw new Failed('malformed', `${path} cannot be read: ${(error as Error).message}`);
  }
}

async function joinAny(
  { heads, caFingerprint, token, name }: JoinFile,
  csr: string,
): ReturnType<typeof requestJoin> {
  let last: unknown = new Failed('malformed', 'the join file names no head');
  for (const address of heads) {
    try {
      return await requestJoin({ address, caFingerprint, token, csr, name });
    } catch (error) {
      last = error;
    }
  }
  throw last;
}
