import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { diskFailed, errno } from './disk.ts';

/**
 * The bytes from `from` up to `to` or the file's end. Each chunk is a buffer of its own, so that
 * its reader may keep it.
 */
export async function* chunksOf(
  file: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(limits.blobChunkBytes, to - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Hashes the first `to` bytes, and returns how many they are. */
export async function feed(
  file: FileHandle,
  hash: Hash,
  to: number,
  path: string,
): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunksOf(file, 0, to)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  if (bytes !== to) throw new Failed('disk_error', `${path} became shorter while it was read.`);
  return bytes;
}

/** Writes all of a chunk where the file is: one call of the system may take only a part. */
export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

/**
 * Opens a file for reading that a job may have made: through no link, and no pipe or device. With
 * an owner it must be that account's: links in place of folders on the way lead to nothing else.
 */
export async function openRegular(path: string, owner?: number): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (errno(error) === 'ELOOP') throw new Failed('refused', `${path} is a symbolic link.`);
    throw diskFailed(error, path, 'Reading');
  });
  const stat = await file.stat();
  if (stat.isFile() && (owner === undefined || stat.uid === owner)) return file;
  await file.close();
  if (!stat.isFile()) throw new Failed('refused', `${path} is no regular file.`);
  throw new Failed('forbidden', `${path} is not the job’s own.`);
}
