import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import type { File } from '../protocol/model.ts';
import { Usage } from './exits.ts';

/** The bytes of a file from an offset on. */
type Bytes = (offset: number) => AsyncIterable<Uint8Array>;

/** A folder that files are brought into, and out of which no path of theirs leads. */
export type Folder = {
  /** Brings a file there, verified, going on from what an earlier try left; gives its path. */
  bring(file: File, bytes: Bytes, progress: (bytes: number) => void): Promise<string>;
};

/** Whoever makes the files is not trusted with where they come to lie. */
const PART = '.swm-part';

export async function openFolder(directory: string): Promise<Folder> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new Usage(`swm: --to: ${(error as Error).message}`);
  }
  const root = await realpath(directory);
  return { bring: (file, bytes, progress) => bring(root, file, bytes, progress) };
}

async function bring(
  root: string,
  file: File,
  bytes: Bytes,
  progress: (bytes: number) => void,
): Promise<string> {
  const target = await placeIn(root, file.path);
  if (await isSame(target, file)) return target;
  const part = join(dirname(target), `.${basename(target)}.${file.sha256.slice(0, 8)}${PART}`);
  await refuseLink(part);
  const { hash, offset } = await summed(part, file.bytes);
  let at = offset;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const to = await open(part, offset === 0 ? flags | constants.O_TRUNC : flags, 0o600);
  try {
    progress(at);
    for await (const chunk of at < file.bytes ? bytes(at) : []) {
      await to.writeFile(chunk);
      hash.update(chunk);
      at += chunk.length;
      progress(at);
    }
    await to.sync();
  } finally {
    await to.close();
  }
  if (at !== file.bytes || hash.digest('hex') !== file.sha256) {
    await rm(part, { force: true });
    throw new Failed('input_corrupt', `${file.path} arrived otherwise than it was kept; try again`);
  }
  await chmod(part, file.mode & 0o777 & ~process.umask());
  await rename(part, target);
  return target;
}

/** The place of a file, whose folders are made. No folder on the way may be a link to elsewhere. */
async function placeIn(root: string, path: string): Promise<string> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || path.startsWith('/') || path.includes('\0'))
    throw new Failed('refused', `${JSON.stringify(path)} leads out of the folder`);
  const folder = join(root, ...parts.slice(0, -1));
  await mkdir(folder, { recursive: true });
  const real = await realpath(folder);
  if (real !== folder && !real.startsWith(root + sep))
    throw new Failed('refused', `${path} leads out of the folder, by a link`);
  return join(real, parts.at(-1)!);
}

async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) await rm(path, { recursive: true, force: true });
}

async function isSame(path: string, file: File): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory()) throw new Failed('refused', `${path} is a folder`);
  if (!found.isFile() || found.size !== file.bytes) return false;
  const { hash } = await summed(path, file.bytes);
  return hash.digest('hex') === file.sha256;
}

/** The sum of what is there already; a file that is too long, or not there, counts as empty. */
async function summed(
  path: string,
  bytesMax: number,
): Promise<{ readonly hash: Hash; readonly offset: number }> {
  const hash = createHash('sha256');
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.size > bytesMax) return { hash, offset: 0 };
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { hash, offset: found.size };
}
