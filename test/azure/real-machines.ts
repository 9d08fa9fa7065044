import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, rmdirSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { configOf } from '../sshd/sshd.ts';
import { giveImage } from './engine.ts';
import type { Hardware, Order } from './machines.ts';

/** What is wrong with a machine that boots. `deaf`: no SSH. `late`: SSH comes so much later. */
export type Ailment = 'deaf' | 'impostor' | { readonly lateMs: number };

export type RealMachines = Hardware & {
  /** What is there of machines, of whatever kind. */
  left(): readonly string[];
};

export type Rack = {
  /** Absolute: all of the machines lies below. */
  readonly root: string;
  readonly port: number;
  readonly ailing?: (machine: string) => Ailment | undefined;
  /** An image, as a tar, that the Docker of each machine has; without one they have no Docker. */
  readonly image?: string;
  /** What is at `bin/swm` in the image that machines boot; nothing unless given. */
  readonly program?: string;
  /** Commands that its image has, besides those that are here: the text of each, by its name. */
  readonly commands?: Readonly<Record<string, string>>;
};

/** Where each of them keeps its workers: the same path, and a place of its own. */
export const directoryOf = (root: string): string => join(root, 'opt');

/**
 * The first process of a machine, which sees no other machine's processes and files: everything
 * dies with it. Its temporary disk is at /mnt, as at Azure. Arguments: its disk, where that is
 * mounted, its name, the configuration of its SSH, the seconds until that listens, a folder for its
 * Docker or '', and what cloud-init runs.
 */
const bootScript = `
mount --bind "$1" "$2" && mount -t tmpfs tmpfs /mnt && hostname "$3" || exit 1
name=$3 config=$4 late=$5 engine=$6
shift 6
if [ -n "$engine" ]; then
  mount -t tmpfs tmpfs /var/run && mkdir -p /run/sshd || exit 1
  dockerd --data-root="$engine/data" --exec-root=/var/run/docker --pidfile=/var/run/docker.pid \\
    --host=unix:///var/run/docker.sock --host="unix://$engine/docker.sock" \\
    --cgroup-parent="$name" --iptables=false --bridge=none --log-level=warn >"$engine/log" 2>&1 &
fi
[ $# -eq 0 ] || "$@" &
sleep "$late"
exec /usr/sbin/sshd -D -e -f "$config"
`;

/** What cloud-init is told by us; Debian's knows more. */
type CloudConfig = {
  readonly ssh_keys: { readonly ed25519_private: string };
  readonly write_files?: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd?: readonly (readonly string[])[];
};

type Running = { readonly child: ChildProcess; readonly name: string; readonly node: string };

/** Machines that are namespaces of this one with a real OpenSSH each; they need root. */
export function realMachines(rack: Rack): RealMachines {
  const { root, image = '', ailing = () => undefined } = rack;
  const running = new Map<string, Running>();
  /** Of all that ever ran. */
  const names = new Set<string>();
  const folderOf = (name: string): string => join(root, 'machines', name);
  return {
    async boot(order) {
      const folder = folderOf(order.name);
      const ailment = ailing(order.name);
      const config = cloudConfigOf(order);
      await install(rack, order, config, folder, ailment === 'impostor');
      await mkdir(directoryOf(root), { recursive: true, mode: 0o711 });
      if (ailment === 'deaf') return;
      const late = typeof ailment === 'object' ? ailment.lateMs : 0;
      const node = order.tags['swm-node'] ?? '';
      const [command = []] = config.runcmd ?? [];
      const engine = image === '' ? '' : join(folder, 'engine');
      const words = [directoryOf(root), order.name, join(folder, 'sshd_config')];
      const child = start(folder, [...words, String(late / 1000), engine, ...command]);
      running.set(order.name, { child, name: order.name, node });
      names.add(order.name);
      if (engine === '') return;
      const off = once(child, 'exit').then(() => Promise.reject(new Error('it was switched off')));
      await Promise.race([giveImage(join(engine, 'docker.sock'), image), off]);
      // It has booted when it runs; whether its SSH answers is for others to find out.
    },
    async kill({ name }) {
      const machine = running.get(name);
      running.delete(name);
      if (machine !== undefined) await end(machine, root);
      await rm(folderOf(name), { recursive: true, force: true });
    },
    left: () => [
      ...running.keys(),
      ...globSync('*', { cwd: join(root, 'machines') }),
      ...globSync([...names].map((name) => `/sys/fs/cgroup/**/${name}`)),
    ],
  };
}

/** What cloud-init, and Azure's agent before it, would have done. */
async function install(
  { root, port, program, commands = {} }: Rack,
  order: Order,
  config: CloudConfig,
  folder: string,
  isImpostor: boolean,
): Promise<void> {
  for (const part of ['disk', 'engine', 'bin'])
    await mkdir(join(folder, part), { recursive: true, mode: 0o711 });
  for (const path of [join(folder, '..'), folder]) await chmod(path, 0o711);
  const hostKey = join(folder, 'host_key');
  if (isImpostor) {
    const keygen = spawn('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
    await once(keygen, 'exit');
  } else await writeFile(hostKey, config.ssh_keys.ed25519_private, { mode: 0o600 });
  await writeFile(join(folder, 'client_key.pub'), `${order.publicKey}\n`);
  const address = order.publicAddress || order.privateAddress;
  await writeFile(join(folder, 'sshd_config'), configOf(folder, address, port));
  for (const [name, text] of Object.entries(commands))
    await writeFile(join(folder, 'bin', name), text, { mode: 0o755 });
  const disk = join(folder, 'disk');
  for (const { path, permissions, content } of config.write_files ?? []) {
    const within = relative(directoryOf(root), path);
    // A unit is for an init that these machines do not have.
    if (within.startsWith('..')) continue;
    await mkdir(join(disk, dirname(within)), { recursive: true });
    await writeFile(join(disk, within), content, { mode: Number.parseInt(permissions, 8) });
  }
  if (program === undefined) return;
  await mkdir(join(disk, 'bin'));
  await writeFile(join(disk, 'bin/swm'), program, { mode: 0o755 });
}

const cloudConfigOf = ({ customData }: Order): CloudConfig =>
  JSON.parse(customData.replace(/^#cloud-config\n/, '')) as CloudConfig;

function start(folder: string, words: readonly string[]): ChildProcess {
  // Whoever started it and dies takes it along, however it dies.
  const apart = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--uts', '--fork'];
  const rest = ['--kill-child', '--mount-proc', '--propagation', 'private', '/bin/sh', '-c'];
  const script = [bootScript, 'swm-vm', join(folder, 'disk'), ...words];
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
  return spawn('setpriv', [...apart, ...rest, ...script], { stdio: 'ignore', cwd: folder, env });
}

async function end({ child, name, node }: Running, root: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const path = join(directoryOf(root), node, 'spool/run/attempts');
  const sum = createHash('sha256').update(path).digest('hex').slice(0, 8);
  await removeGroups([`/sys/fs/cgroup/**/swm.${sum}.*`, `/sys/fs/cgroup/**/${name}`]);
}

/** The dead of a busy machine take their time. */
const GONE_TRIES = 1_500;

/** The control groups of jobs and of the engine, which a machine of its own would have taken. */
async function removeGroups(patterns: string[]): Promise<void> {
  for (let tries = 0; tries < GONE_TRIES; tries++) {
    const found = globSync(patterns).toSorted().toReversed();
    for (const group of found) {
      for (const below of globSync(`${group}/**/`).toSorted().toReversed()) removeGroup(below);
      removeGroup(group);
    }
    if (found.length === 0) return;
    await pause(20);
  }
}

function removeGroup(path: string): void {
  try {
    if (existsSync(path)) rmdirSync(path);
  } catch {
    // The dead count in it for a moment longer.
  }
}

/** A port that is free on any loopback address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
