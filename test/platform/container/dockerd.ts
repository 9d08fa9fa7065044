import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';

/** A real Docker of our own, beside whatever else there is on this machine. */
export type Dockerd = {
  readonly socket: string;
  readonly docker: Docker;
  readonly pid: () => number;
  /** Kills it as if by a fault; the containers go on or not, as it likes. */
  restart(): Promise<void>;
  /** Ends it and all of its containers, and removes what it kept. */
  end(): Promise<void>;
};

/** What images of tests are made of: a static busybox under all of its names. */
export const IMAGE = 'swm-test/busybox:1';

const NEEDED = ['dockerd', 'containerd', 'runc', 'busybox'];

/** Starts one without networks of its own: its containers have the machine's, or none. */
export async function startDockerd(): Promise<Dockerd> {
  for (const command of NEEDED)
    if (!hasCommand(command)) throw new Error(`no ${command} here: sh bin/set-up --tests, as root`);
  const folder = mkdtempSync(join(tmpdir(), 'swm-docker-'));
  const socket = join(folder, 'docker.sock');
  const docker = new Docker({ socketPath: socket });
  let child = await launch(folder, docker);
  await importBusybox(docker, folder);
  return {
    socket,
    docker,
    pid: () => child.pid ?? 0,
    restart: async () => {
      await ended(child, 'SIGTERM');
      child = await launch(folder, docker);
    },
    end: async () => {
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true, v: true });
      await ended(child, 'SIGTERM');
      await removed(folder);
    },
  };
}

const hasCommand = (name: string): boolean =>
  ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin', '/sbin', '/bin'].some((folder) =>
    existsSync(join(folder, name)),
  );

async function launch(folder: string, docker: Docker): Promise<ChildProcess> {
  const own = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'pid' };
  const places = Object.entries(own).map(([name, path]) => `--${name}=${join(folder, path)}`);
  const alone = [
    '--iptables=false',
    '--bridge=none',
    '--log-level=warn',
    '--max-download-attempts=1',
  ];
  const socket = `--host=unix://${join(folder, 'docker.sock')}`;
  const child = spawn('dockerd', [...places, ...alone, socket], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (part) => (said += part));
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 600) throw new Error(`dockerd does not start: ${said}`);
    if (
      await docker.ping().then(
        () => true,
        () => false,
      )
    )
      return child;
    await sleep(50);
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** It leaves mounts behind. */
async function removed(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const point of mounts.map((line) => line.split(' ')[1] ?? '').reverse())
    if (point.startsWith(`${folder}/`)) execFileSync('umount', ['--lazy', point]);
  await rm(folder, { recursive: true, force: true });
}

/** The files of the image, as a tar. */
export async function busyboxTar(folder: string): Promise<string> {
  const root = join(folder, 'root');
  for (const path of ['bin', 'tmp', 'etc']) mkdirSync(join(root, path), { recursive: true });
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  await copyFile(busybox ?? '', join(root, 'bin/busybox'));
  for (const name of execFileSync(busybox ?? '', ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  const tar = join(folder, 'root.tar');
  execFileSync('tar', ['-C', root, '-cf', tar, '.']);
  return tar;
}

async function importBusybox(docker: Docker, folder: string): Promise<void> {
  const [repo, tag] = IMAGE.split(':');
  const tar = await busyboxTar(folder);
  const stream = await docker.importImage(tar, { repo, tag });
  stream.resume();
  await once(stream, 'end');
}
