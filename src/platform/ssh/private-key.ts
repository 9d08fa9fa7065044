import { readFile, stat } from 'node:fs/promises';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { diskFailed } from '../disk.ts';

/** Reads a private key that nobody else can read. Throws `Failed`, and not one to try again. */
export async function readPrivateKey(path: string): Promise<Buffer> {
  try {
    const { mode, uid, size } = await stat(path);
    const own = process.geteuid?.() ?? uid;
    if ((mode & 0o077) !== 0 || (uid !== own && uid !== 0))
      throw new Failed('forbidden', `${path}: others can read this key: \`chmod 600 ${path}\``);
    if (size > limits.sshKeyBytesMax) throw new Failed('malformed', `${path} is no private key`);
    return await readFile(path);
  } catch (error) {
    throw diskFailed(error, path, 'Reading the key');
  }
}
