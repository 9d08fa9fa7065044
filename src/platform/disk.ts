import { randomUUID } from 'node:crypto';
import { open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failed } from '../protocol/errors.ts';

const fullCodes = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const deniedCodes = ['EACCES', 'EPERM', 'EROFS'];

/** Bytes that this process may still write on the disk that holds `path`. */
export async function freeBytes(path: string): Promise<number> {
  const disk = await statfs(path);
  return disk.bavail * disk.bsize;
}

/** The code of a system error such as `ENOENT`, or '' for anything else. */
export const errno = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Says in the user's words what the disk refused: `doing` reads like "writing a blob". */
export function diskFailed(error: unknown, path: string, doing: string): Failed {
  if (error instanceof Failed) return error;
  const code = errno(error);
  if (fullCodes.includes(code)) {
    const quota = code === 'ENOSPC' ? 'The disk is full' : 'The quota or file size limit is hit';
    return new Failed(
      'disk_full',
      `${doing} ${path}: ${quota} (${code}). Free space on the disk that holds ${dirname(path)}.`,
    );
  }
  if (deniedCodes.includes(code))
    return new Failed(
      'forbidden',
      `${doing} ${path}: ${code}. Check owner and rights of the path.`,
    );
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new Failed('not_found', `${doing} ${path}: ${code}. A part of the path is not there.`);
  const why = error instanceof Error ? error.message : String(error);
  return new Failed('disk_error', `${doing} ${path}: ${why}`);
}

/** Makes the names in a directory durable: a rename alone may be lost with the power. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes the bytes of a file durable that somebody else wrote. */
export const syncFile = syncDirectory;

/**
 * Puts a small file in place whole: readers, and a start after a power cut, find the old bytes or
 * the new ones, never a part. Throws `Failed`.
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array | string,
  mode = 0o600,
): Promise<void> {
  const beside = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw diskFailed(error, path, 'Writing');
  }
}
