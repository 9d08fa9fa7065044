import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packWorker } from '../src/gates/bootstrap/pack.ts';

/**
 * Makes dist/swm-worker.tar.gz, which sites bring to the machines that are to become workers. Two
 * that run at a time make the same twice, each beside the other.
 */

const home = join(import.meta.dirname, '..');
const archive = join(home, 'dist', 'swm-worker.tar.gz');
const cache = join(home, '.cache');
await mkdir(cache, { recursive: true });
const built = mkdtempSync(join(cache, 'worker-'));
try {
  const args = [join(home, 'bin/build.ts'), '--into', join(built, 'dist')];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('the sources were not built');
  await packWorker({ home, dist: join(built, 'dist') }, archive);
  const bytes = readFileSync(archive);
  const sum = createHash('sha256').update(bytes).digest('hex');
  process.stdout.write(`${archive} ${bytes.length} ${sum}\n`);
} catch (error) {
  process.stderr.write(`worker-archive: ${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(built, { recursive: true, force: true });
}
