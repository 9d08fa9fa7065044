import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import {
  answering,
  busyboxTar,
  ended,
  IMAGE,
  mustHave,
  type RealEngine,
  removeContainers,
  removed,
} from './real-engine.ts';

const NEEDED = ['dockerd', 'containerd', 'runc', 'busybox'];

/**
 * Starts a Docker that leaves the machine's firewall alone, so that any number may run at once; or
 * one that has a network to itself, and a firewall there.
 */
export async function startDockerd(
  at: At = 'machine',
  more: readonly string[] = [],
): Promise<RealEngine> {
  mustHave(NEEDED);
  const folder = mkdtempSync(join(tmpdir(), 'swm-docker-'));
  const socket = join(folder, 'docker.sock');
  const docker = new Docker({ socketPath: socket });
  const launch = () => {
    const [command = '', ...rest] = commandOf(at);
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const child = spawn(command, [...rest, ...words(folder), ...more], { stdio: [...stdio] });
    let said = '';
    child.stderr.on('data', (part) => (said += part));
    return answering(docker, child, () => said);
  };
  let child = await launch();
  await importBusybox(docker, folder);
  return {
    socket,
    docker,
    restart: async () => {
      await ended(child);
      child = await launch();
    },
    end: async () => {
      await removeContainers(docker);
      await ended(child);
      await removed(folder);
    },
  };
}

/** Where it is; another folder in the place of the one that it is not to see. */
type At = 'machine' | 'apart' | { readonly hides: string };

/** The process that starts becomes what it is to start. */
function commandOf(at: At): readonly string[] {
  if (at === 'machine') return ['dockerd', '--iptables=false'];
  if (at === 'apart')
    return [
      'unshare',
      '--net',
      'sh',
      '-c',
      'busybox ip link set lo up && exec "$0" "$@"',
      'dockerd',
    ];
  const hide = 'mount -t tmpfs none "$0" && exec dockerd --iptables=false "$@"';
  return ['unshare', '--mount', 'sh', '-c', hide, at.hides];
}

const words = (folder: string): readonly string[] => [
  `--data-root=${folder}/data`,
  `--exec-root=${folder}/exec`,
  `--pidfile=${folder}/pid`,
  `--host=unix://${folder}/docker.sock`,
  '--bridge=none',
  '--log-level=warn',
  '--max-download-attempts=1',
];

async function importBusybox(docker: Docker, folder: string): Promise<void> {
  const [repo, tag] = IMAGE.split(':');
  const stream = await docker.importImage(await busyboxTar(folder), { repo, tag });
  stream.resume();
  await once(stream, 'end');
}
