import { execFile } from 'node:child_process';
import { chmod, lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errno } from './disk.ts';

const run = promisify(execFile);

/** What the accounts of jobs own below a folder may change while it is removed. */
const passing: readonly unknown[] = ['EISDIR', 'EPERM', 'ENOENT', 'ENOTDIR'];

/**
 * Removes a folder of ours in which an account of jobs owns folders. All jobs may share an account,
 * so another job may put a link in a folder's place between the look at it and the step into it;
 * walking by path would then remove what is not ours, as root. So nobody else gets in any more, the
 * usual one level is removed without following anything, and what is deeper by `rm`, which steps
 * from folder to folder by handles and never through a link.
 */
export async function removeShared(path: string): Promise<void> {
  if (process.geteuid?.() !== 0) return rm(path, { recursive: true, force: true });
  const found = await lstat(path).catch(absent);
  if (found === undefined) return;
  if (!found.isDirectory()) return unlink(path);
  await chmod(path, 0o700);
  if (await removedFlat(path, 2)) return;
  await run('rm', ['-rf', '--', path]);
}

/** True if it is gone: nothing in it was deeper than `depth` folders that are ours to walk. */
async function removedFlat(path: string, depth: number): Promise<boolean> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const at = join(path, entry.name);
    if (!entry.isDirectory()) await unlink(at).catch(passOver);
    // A folder whose parent is an account's may be another by now.
    else if ((await lstat(path)).uid !== 0 || depth === 0) return false;
    else if (!(await removedFlat(at, depth - 1))) return false;
  }
  return rmdir(path).then(
    () => true,
    () => false,
  );
}

const passOver = (error: unknown): void => {
  if (!passing.includes(errno(error))) throw error;
};

const absent = (error: unknown): undefined => {
  if (errno(error) !== 'ENOENT') throw error;
  return undefined;
};
