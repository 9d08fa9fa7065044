import { chmod, lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spool } from '../platform/spool.ts';
import { Failed } from '../protocol/errors.ts';

const isRoot = (): boolean => process.geteuid?.() === 0;

/**
 * The folder for what the accounts of jobs must reach: the spool, or one below /var/tmp where the
 * spool lies in a home that is closed to others.
 */
export async function reachable(spool: Spool): Promise<string> {
  if (!isRoot() || spool.warnings.length === 0) return spool.path;
  const folder = elsewhere(spool);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.geteuid?.())
    throw new Failed('forbidden', `${folder} belongs to somebody else: remove it, or find out why`);
  await chmod(folder, 0o711);
  return folder;
}

const elsewhere = ({ installation }: Spool): string =>
  join('/var/tmp', `swm-${installation.slice(0, 8)}`);

/** Removes what is empty of the folder elsewhere; what jobs still have there stays. */
export async function leave(spool: Spool): Promise<void> {
  await prune(elsewhere(spool));
}

async function prune(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await prune(join(folder, entry.name));
  // Not empty, or not there: then it is not ours to remove.
  await rmdir(folder).catch(() => {});
}
