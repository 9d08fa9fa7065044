import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { HostFiles } from '../../platform/ssh/files.ts';
import type { SshSession } from '../../platform/ssh/session.ts';
import { Failed } from '../../protocol/errors.ts';
import { Resources } from '../../protocol/model.ts';
import { parsed } from '../json.ts';
import type { Host } from './settings.ts';

/**
 * Who has a host: one folder on the host itself, so that every head of every installation sees the
 * same. It appears whole, by one rename, which fails where there is one.
 */
const Lease = Type.Object({
  version: Type.Literal(1),
  name: Type.String(),
  externalId: Type.String(),
  installation: Type.String(),
  job: Type.String(),
  owner: Type.String(),
  flavor: Type.String(),
  /** Of each of its hosts. */
  resources: Resources,
  /** Of this host. */
  node: Type.String(),
  /** All nodes of the partition; the hosts of all of them stand in its id, in the same order. */
  nodes: Type.Array(Type.String()),
  createdAt: Type.Integer(),
});
export type Lease = Static<typeof Lease>;

export type Held = { readonly lease: Lease; readonly isRemoving: boolean };

const folderOf = ({ directory }: Host): string => `${directory}/lease`;

/** Where the worker of a lease lives: no later lease of the host has the same place. */
export const placeOf = (host: Host, { externalId }: Pick<Lease, 'externalId'>): string =>
  `${folderOf(host)}/${lifeOf(externalId)}/node`;

/** An id has site, name, what tells it from all others of that name, and the hosts. */
const lifeOf = (externalId: string): string => externalId.split('/')[2] ?? '';

/** Who has the host now. Throws `Failed` where that cannot be read. */
export async function readLease(session: SshSession, host: Host): Promise<Held | undefined> {
  const files = await session.files();
  const path = `${folderOf(host)}/lease.json`;
  const [text, mark] = await Promise.all([
    files.read(path),
    files.read(`${folderOf(host)}/removing`),
  ]);
  if (text === undefined) return undefined;
  const lease = parsed(text);
  if (Value.Check(Lease, lease)) return { lease, isRemoving: mark !== undefined };
  throw new Failed(
    'site_error',
    `${session.name}:${path} is damaged; end what runs there, remove it`,
  );
}

/** Takes a host. False: somebody else has it. */
export async function takeLease(session: SshSession, host: Host, lease: Lease): Promise<boolean> {
  const files = await session.files();
  await makeFolders(files, host.directory);
  const beside = `${host.directory}/.lease-${randomBytes(8).toString('hex')}`;
  await files.makeFolder(beside, 0o711);
  await files.makeFolder(`${beside}/${lifeOf(lease.externalId)}`, 0o711);
  await files.write(`${beside}/lease.json`, `${JSON.stringify(lease, null, 2)}\n`, 0o600);
  const taken = await files.rename(beside, folderOf(host));
  if (!taken) await removeFolder(session, beside);
  return taken;
}

/** From here on it can only go. */
export async function condemnLease(session: SshSession, host: Host): Promise<void> {
  const files = await session.files();
  await files.write(`${folderOf(host)}/removing`, '', 0o600);
}

/** Gives a host back, at once for whoever looks; all else of the lease is gone by now. */
export async function dropLease(
  session: SshSession,
  host: Host,
  externalId: string,
): Promise<void> {
  if ((await readLease(session, host))?.lease.externalId !== externalId) return;
  const files = await session.files();
  const beside = `${host.directory}/.gone-${randomBytes(8).toString('hex')}`;
  if (await files.rename(folderOf(host), beside)) await removeFolder(session, beside);
}

async function makeFolders(files: HostFiles, path: string): Promise<void> {
  if (await exists(files, path)) return;
  if (dirname(path) !== '/') await makeFolders(files, dirname(path));
  await files.makeFolder(path, 0o755);
}

async function exists(files: HostFiles, path: string): Promise<boolean> {
  try {
    await files.names(path);
    return true;
  } catch (error) {
    if (error instanceof Failed && error.failure.code === 'not_found') return false;
    throw error;
  }
}

async function removeFolder(session: SshSession, path: string): Promise<void> {
  const { code, stderr } = await session.run(['rm', '-rf', path]);
  if (code !== 0) throw new Failed('site_error', `${session.name}: ${stderr.trim()}`);
}
