import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import { busyboxTar } from '../platform/container/real-engine.ts';

/** The image that machines with an engine have, so that nothing is pulled. */
export const IMAGE = 'swm-demo/tools:1';

const PROGRAMS = ['/bin/bash', '/usr/bin/perl'];
const STARTS_MS = 30_000;

/** A busybox, and bash and perl of this machine with all that they need, as a tar. */
export async function toolsTar(folder: string): Promise<string> {
  const tar = await busyboxTar(folder);
  const root = join(folder, 'rootfs');
  const bases = run('perl', '-e', 'print join "\\n", grep { /perl-base$/ } @INC').split('\n');
  const libraries = run('ldd', ...PROGRAMS).match(/\/\S+\.so\S*/g) ?? [];
  for (const path of new Set([...PROGRAMS, ...libraries, ...bases]))
    await cp(path, join(root, path), { recursive: true, dereference: true });
  run('tar', '-C', root, '-cf', tar, '.');
  return tar;
}

/** Resolves once the engine of that socket has the image. */
export async function giveImage(socket: string, tar: string): Promise<void> {
  const docker = new Docker({ socketPath: socket });
  const until = performance.now() + STARTS_MS;
  const answers = (): Promise<boolean> =>
    docker.ping().then(
      () => true,
      () => false,
    );
  while (!existsSync(socket) || !(await answers())) {
    if (performance.now() > until) throw new Error(`no engine answers at ${socket}`);
    await pause(50);
  }
  const [repo, tag] = IMAGE.split(':');
  const stream = await docker.importImage(tar, { repo, tag });
  stream.resume();
  await once(stream, 'end');
}

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8' });
