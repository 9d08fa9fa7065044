import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';

/** A real engine of our own, beside whatever else there is on this machine. */
export type RealEngine = {
  readonly socket: string;
  readonly docker: Docker;
  /** Ends it in order and starts it anew. */
  restart(): Promise<void>;
  /** Ends it and all of its containers, and removes what it kept. */
  end(): Promise<void>;
};

/** What images of tests are made of: a static busybox under all of its names. */
export const IMAGE = 'swm-test/busybox:1';

const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin', '/sbin', '/bin'];

/** Throws for what is not installed. */
export function mustHave(commands: readonly string[]): void {
  for (const name of commands)
    if (!FOLDERS.some((folder) => existsSync(join(folder, name))))
      throw new Error(`no ${name} here: sh bin/set-up --tests, as root`);
}

/** Resolves once it answers; `said` is what it has complained of until now. */
export async function answering(
  docker: Docker,
  child: ChildProcess,
  said: () => string,
): Promise<ChildProcess> {
  const deadline = Date.now() + 30_000;
  while (child.exitCode === null && Date.now() < deadline) {
    const answers = docker.ping().then(
      () => true,
      () => false,
    );
    if (await answers) return child;
    await sleep(50);
  }
  throw new Error(`${child.spawnfile} does not start: ${said()}`);
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** And their networks, which are devices of this machine. */
export async function removeContainers(docker: Docker): Promise<void> {
  for (const { Id } of await docker.listContainers({ all: true }))
    await docker.getContainer(Id).remove({ force: true, v: true });
  for (const { Id, Name } of await docker.listNetworks())
    if (Name.startsWith('swm-')) await docker.getNetwork(Id).remove();
}

/** Engines leave mounts behind. */
export async function removed(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const point of mounts.map((line) => line.split(' ')[1] ?? '').reverse())
    if (point.startsWith(`${folder}/`)) execFileSync('umount', ['--lazy', point]);
  await rm(folder, { recursive: true, force: true });
}

/** The files of the image, as a tar. */
export async function busyboxTar(folder: string): Promise<string> {
  const root = join(folder, 'rootfs');
  for (const path of ['bin', 'tmp', 'etc']) mkdirSync(join(root, path), { recursive: true });
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  await copyFile(busybox ?? '', join(root, 'bin/busybox'));
  for (const name of execFileSync(busybox ?? '', ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  const tar = join(folder, 'rootfs.tar');
  execFileSync('tar', ['-C', root, '-cf', tar, '.']);
  return tar;
}
