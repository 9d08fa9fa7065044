import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { diskFailed } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';
import { described, packWorker } from './pack.ts';

/** All that a worker is started from, in one file, and what tells it from any other. */
export type Archive = { readonly path: string; readonly bytes: number; readonly sha256: string };

export type ArchiveSetup = {
  /** A file that the configuration names; '' finds or makes one. */
  readonly given: string;
  /** Where one is kept that this head makes. */
  readonly folder: string;
};

const ARCHIVE = 'swm-worker.tar.gz';

/**
 * The archive of this very program. A checkout makes it anew when its sources have changed; what
 * was installed packs itself. Found out once a life.
 */
export function archiveOf(setup: ArchiveSetup): () => Promise<Archive> {
  let found: Promise<Archive> | undefined;
  return () => {
    found ??= find(setup).catch((error) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}

async function find({ given, folder }: ArchiveSetup): Promise<Archive> {
  if (given !== '') return measured(given);
  const home = homeOf(import.meta.dirname);
  const shipped = join(home, 'dist', ARCHIVE);
  if (existsSync(join(home, 'src'))) {
    if (await isOlder(shipped, home)) await build(home);
    return measured(shipped);
  }
  if (existsSync(shipped)) return measured(shipped);
  const own = join(folder, `swm-worker-${(await described(home)).version}.tar.gz`);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  if (!existsSync(own)) await packWorker({ home, dist: join(home, 'dist') }, own);
  return measured(own);
}

/** The folder above bin/, from wherever in it this file was bundled to. */
function homeOf(from: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, 'bin', 'swm'))) return at;
  throw new Failed('not_found', `${from} lies in no swm that has a bin/swm`);
}

/** Whether an archive is missing, or something that it is made of is younger. */
async function isOlder(archive: string, home: string): Promise<boolean> {
  if (!existsSync(archive)) return true;
  const { mtimeMs } = await stat(archive);
  const sources = await readdir(join(home, 'src'), { recursive: true });
  const paths = [...sources.map((name) => join('src', name)), 'package-lock.json', 'bin/swm'];
  for (const path of paths) if ((await stat(join(home, path))).mtimeMs > mtimeMs) return true;
  return false;
}

async function build(home: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [join(home, 'bin/worker-archive.ts')]);
  } catch (error) {
    const { stderr = '', message } = error as Error & { readonly stderr?: string };
    throw new Failed(
      'refused',
      `the worker archive cannot be made: ${stderr.trim() || message}; mend that, or make one ` +
        'elsewhere by `npm run worker-archive`, and name it as `archive` of the site',
    );
  }
}

async function measured(path: string): Promise<Archive> {
  try {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return { path, bytes: (await stat(path)).size, sha256: hash.digest('hex') };
  } catch (error) {
    throw diskFailed(error, path, 'Reading the worker archive');
  }
}
