import { readFile, stat } from 'node:fs/promises';
import { diskFailed } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';

/** A file with a secret, which only we, or those who are us, can read. */
export async function readPrivate(path: string): Promise<string> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw new Failed('refused', `others can read ${path}: chmod 600 ${path}`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw diskFailed(error, path, 'Reading');
  }
}
