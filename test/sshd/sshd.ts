import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readHostKey } from '../../src/platform/ssh/host-key.ts';

const SSHD = '/usr/sbin/sshd';

/** A machine with a real OpenSSH server, as far as one machine can play several. */
export type SshHost = {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The file of a private key that it lets in. */
  readonly key: string;
  readonly fingerprint: string;
  /** Absolute, and its own: where a worker may live. */
  readonly directory: string;
  start(): Promise<void>;
  /** Its server listens no more; who is logged in stays. */
  stop(): Promise<void>;
  /** Cuts all who are logged in, as a network does. */
  cut(): void;
  /** Whoever logs in next is shown another key. */
  changeHostKey(): void;
  close(): Promise<void>;
};

let last = process.pid;

/** Addresses of one process of tests are its own, as far as there are enough of them. */
function nextAddress(): string {
  last += 1;
  return `127.79.${(last >> 8) & 255}.${last & 255 || 255}`;
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

const keygen = (path: string): void =>
  void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);

/** Makes a host; its server is not started yet, as that of a machine that boots. */
export async function makeHost(): Promise<SshHost> {
  if (!existsSync(SSHD)) throw new Error(`${SSHD} is missing: run bin/set-up as root`);
  const root = mkdtempSync(join(tmpdir(), 'swm-sshd-'));
  const address = nextAddress();
  const port = await freePort(address);
  const key = join(root, 'client_key');
  const hostKey = join(root, 'host_key');
  keygen(key);
  keygen(hostKey);
  const config = join(root, 'sshd_config');
  writeFileSync(config, configOf(root, address, port));
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  // Jobs of other accounts pass through.
  chmodSync(root, 0o711);
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    ending.kill('SIGKILL');
    await once(ending, 'exit');
  };
  const sessions = new Set<number>();
  const look = (): void => {
    if (server?.pid !== undefined) for (const pid of childrenOf(server.pid)) sessions.add(pid);
  };
  const cut = (): void => {
    look();
    for (const pid of sessions) kill(pid);
    sessions.clear();
  };
  return {
    address,
    port,
    user: userInfo().username,
    key,
    fingerprint: readHostKey(readFileSync(`${hostKey}.pub`, 'utf8'), 'key').fingerprint,
    directory: join(root, 'swm'),
    async start() {
      server = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: 'ignore' });
      while (!(await answers(address, port))) await sleep(5);
    },
    async stop() {
      look();
      await stop();
    },
    cut,
    changeHostKey() {
      rmSync(hostKey);
      keygen(hostKey);
    },
    async close() {
      await stop();
      cut();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** `SHLVL`: Debian's bash reads all of its owner's `.bashrc` where it thinks that sshd began it. */
export const configOf = (root: string, address: string, port: number): string => `
ListenAddress ${address}:${port}
HostKey ${join(root, 'host_key')}
AuthorizedKeysFile ${join(root, 'client_key.pub')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
MaxStartups 100
MaxSessions 100
SetEnv SHLVL=2
`;

const childrenOf = (parent: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}
