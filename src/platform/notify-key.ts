import { hkdfSync } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { Failed } from '../protocol/errors.ts';
import { readPem, writePem } from './key-files.ts';

const CHARS_MIN = 16;

/**
 * The key that changes are signed by, from its file, which is made when it is needed first. All
 * heads of an authority make the same: `root` gives what it is drawn from, and may throw while
 * there is none yet.
 */
export async function notifyKey(path: string, root: () => string): Promise<string> {
  const kept = await readPem(path);
  if (kept === undefined) {
    const drawn = Buffer.from(hkdfSync('sha256', root(), '', 'swm notices', 32)).toString('hex');
    await writePem(path, `${drawn}\n`);
    return drawn;
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new Failed('forbidden', `others may read ${path}, by which changes are signed`, true);
  const key = kept.trim();
  if (key.length >= CHARS_MIN) return key;
  throw new Failed('corrupt', `${path} has less than ${CHARS_MIN} characters`, true);
}
