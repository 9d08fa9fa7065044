import { constants } from 'node:fs';
import { copyFile, lstat, realpath, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { BlobRef, Output } from '../actors/ports.ts';
import { Failed } from '../protocol/errors.ts';
import type { DiskBlobs } from './blobs.ts';

/** Files of a job: put in its place, and found and kept without following it out of there. */

/** A path in the working directory; an absolute one, or one that leads out, is refused. */
export function within(work: string, path: string): string {
  const full = resolve(work, path);
  if (isAbsolute(path) || !full.startsWith(work + sep))
    throw new Failed('refused', `${path} leads out of the job's working directory`);
  return full;
}

/**
 * Keeps a file as a blob; undefined if it is not the job's own. Processes of its account may live:
 * it must be that account's when it is open, whatever was put in the place of its folder meanwhile.
 */
export async function keepFile(
  blobs: DiskBlobs,
  work: string,
  file: string,
  owner: number | undefined,
): Promise<Output | undefined> {
  const { mode } = await lstat(join(work, file));
  const blob = await blobs.putFile(join(work, file), owner).catch(foreign);
  return blob && { ...blob, path: file, mode: mode & 0o777 };
}

/** What is not the job's own is none of its files. */
const foreign = (error: unknown): undefined => {
  if (!(error instanceof Failed) || !['forbidden', 'refused'].includes(error.failure.code))
    throw error;
};

/** A log that the job removed, or put a link in the place of, is taken as empty. */
export async function logBlob(
  blobs: DiskBlobs,
  path: string,
  root: string,
  owner: number | undefined,
): Promise<BlobRef> {
  const found = await lstat(path).catch(() => undefined);
  const real = await realpath(path).catch(() => '');
  const base = await realpath(root);
  if (found?.isFile() && real.startsWith(base + sep)) {
    const blob = await blobs.putFile(path, owner).catch(foreign);
    if (blob !== undefined) return blob;
  }
  const empty = join(root, 'empty');
  await writeFile(empty, '', { mode: 0o600 });
  return blobs.putFile(empty);
}

/** Writes a file anew, for us alone. */
export async function replaced(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { mode: 0o600 });
}

/** What a staging that was cut short left there may be for reading only. */
export async function copyAnew(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}
