import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const home = join(import.meta.dirname, '..');

/** The command of this checkout, which runs its sources as they stand. */
export const checkedOut = join(home, 'bin', 'swm');

/**
 * Builds what is shipped and lays it out as an installation has it, sources left out: what users
 * start has no types to be stripped. It lies within the checkout, whose node_modules it uses.
 */
export function install(): { readonly swm: string; remove(): void } {
  const place = join(home, '.cache', `bench-${process.pid}`);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(join(place, 'bin'), { recursive: true });
  symlinkSync(join(home, 'node_modules'), join(place, 'node_modules'));
  for (const file of ['swm', 'find-node'])
    cpSync(join(home, 'bin', file), join(place, 'bin', file));
  const built = spawnSync(
    process.execPath,
    [join(home, 'bin/build.ts'), '--into', join(place, 'dist')],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (built.status !== 0) throw new Error('it could not be built');
  return {
    swm: join(place, 'bin', 'swm'),
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}
