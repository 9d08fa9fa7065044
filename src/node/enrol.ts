import { randomUUID, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import {
  type Authority,
  certificatesOf,
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
import type { Invitation } from '../protocol/head-shapes.ts';

export type HeadKeys = {
  /** What signs for the cluster. Throws `Failed` until a head that joined was given it. */
  readonly authority: () => Authority;
  /** Keeps the authority's key, as the leader gave it. */
  readonly take: (key: string) => Promise<void>;
  /** PEM of the authority, and of those above it. */
  readonly chain: string;
  readonly caFingerprint: string;
  readonly credentials: Credentials;
  readonly installation: string;
  /** The heads that it joined by; none for the head that the group began with. */
  readonly joinedBy: readonly string[];
};

/** By which name the node of a spool was enrolled; undefined if it has not been. */
export async function enrolledName(spool: Spool): Promise<string | undefined> {
  const pem = await readPem(keyPlaces(spool.path).node.certificate);
  const identity = pem === undefined ? undefined : identify(new X509Certificate(pem));
  return identity?.kind === 'node' ? identity.name : undefined;
}

/** By which name a node is invited that has not been enrolled yet. */
export const invitedName = async ({ join }: Config): Promise<string | undefined> =>
  join === '' || !existsSync(join) ? undefined : (await readJoinFile(join)).name;

/** What makes a head believed: it joins others if it is invited, else it begins a group. */
export async function enrolHead(spool: Spool, config: Config): Promise<HeadKeys> {
  const isJoined = existsSync(headsFile(spool));
  const isInvited = config.join !== '' && existsSync(config.join);
  return isJoined || isInvited ? joinHead(spool, config) : foundHead(spool, config);
}

/** A head that was invited has no authority before a leader trusts it with that. */
async function joinHead(spool: Spool, config: Config): Promise<HeadKeys> {
  const places = keyPlaces(spool.path);
  const { credentials, heads } = await enrolWorker(spool, config);
  const own = identify(new X509Certificate((await readPem(places.node.certificate)) as string));
  const chain = (await readPem(places.chain)) as string;
  const certificate = certificatesOf(chain)[0]?.toString() ?? '';
  let key = await readPem(places.cluster.key);
  return {
    authority: () => {
      if (key !== undefined) return { key, certificate };
      throw new Failed('unreachable', 'this head has not been given the authority’s key yet', true);
    },
    take: async (given) => {
      await writeKeyPair(places.cluster, { key: given, certificate });
      key = given;
    },
    chain,
    caFingerprint: fingerprint(certificate),
    credentials,
    installation: own?.kind === 'node' ? own.installation : spool.installation,
    joinedBy: heads,
  };
}

/** Makes, once, what the first head needs: an authority, its own key, and an admin. */
async function foundHead(spool: Spool, config: Config): Promise<HeadKeys> {
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
  return {
    authority: () => authority,
    take: async () => {},
    chain,
    caFingerprint: fingerprint(certificate),
    credentials,
    installation,
    joinedBy: [],
  };
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

const headsFile = (spool: Spool): string => join(spool.places.node, 'heads.json');

/** Remembers where the heads are, for the next start. */
export const keepHeads = (spool: Spool, heads: readonly string[]): Promise<void> =>
  writePem(headsFile(spool), JSON.stringify(heads));

export type WorkerKeys = { readonly credentials: Credentials; readonly heads: readonly string[] };

/**
 * Joins a worker, once: its key is made here and never leaves; the token buys its certificate, and
 * is removed. A second start finds what the first was given.
 */
export async function enrolWorker(spool: Spool, config: Config): Promise<WorkerKeys> {
  const places = keyPlaces(spool.path);
  const heads = headsFile(spool);
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

async function readJoinFile(path: string): Promise<Invitation> {
  if (path === '')
    throw new Failed('malformed', 'it needs `join: FILE`, the invitation that it joins by');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Invitation;
  } catch (error) {
    throw new Failed('malformed', `${path} cannot be read: ${(error as Error).message}`);
  }
}

async function joinAny(
  { heads, caFingerprint, token, name }: Invitation,
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
