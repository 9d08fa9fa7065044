import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '../src/client/client.ts';
import { dialTerminal } from '../src/platform/dial.ts';
import { keyPlaces, loadCredentials } from '../src/platform/key-files.ts';
import { checkedOut } from './installed.ts';

/** A whole swm on a spool of its own, and a client of it. */
export type Daemon = {
  readonly pid: number;
  readonly spool: string;
  readonly client: Client;
  /** Resident memory now, bytes. */
  rssBytes(): Promise<number>;
  close(): Promise<void>;
};

/**
 * Starts `swm dev` as a user would, and connects over TLS as the admin of its spool. Its end leaves
 * nothing behind, neither jobs nor what they run on.
 */
export async function startDaemon(swm = checkedOut): Promise<Daemon> {
  const kept = await startKept(swm);
  const daemon = await kept.start('--ephemeral');
  return {
    ...daemon,
    async close() {
      await daemon.close();
      await kept.remove();
    },
  };
}

/** A spool that was started once, so that it has its keys, and may be started again and again. */
export type KeptSpool = {
  readonly spool: string;
  start(...more: string[]): Promise<Daemon>;
  remove(): Promise<void>;
};

export async function startKept(swm = checkedOut): Promise<KeptSpool> {
  const home = await mkdtemp(join(tmpdir(), 'swm-bench-'));
  await chmod(home, 0o711);
  const spool = join(home, 'spool');
  // The first start makes keys, for which it loads what later ones do not.
  await stopped(await started(swm, spool));
  return {
    spool,
    start: async (...more) => connected(await started(swm, spool, more), spool),
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

async function connected(child: ChildProcess, spool: string): Promise<Daemon> {
  const file = JSON.parse(await readFile(join(spool, 'run', 'node.json'), 'utf8'));
  const { host, port } = file.terminal as { readonly host: string; readonly port: number };
  const places = keyPlaces(spool);
  const credentials = await loadCredentials(places.user('admin'), places.chain);
  const open = () =>
    dialTerminal({ address: `${host}:${port}`, credentials, subprotocol: 'swm.v1+msgpack' });
  const client = connect({ open });
  const pid = child.pid ?? 0;
  return {
    pid,
    spool,
    client,
    rssBytes: async () => rssOf(pid),
    async close() {
      client.close();
      await stopped(child);
    },
  };
}

/** Resident memory of a process, bytes, as the kernel counts it. */
export async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

async function started(
  swm: string,
  spool: string,
  more: readonly string[] = [],
): Promise<ChildProcess> {
  const args = ['dev', '--spool', spool, '--set', 'jobs.relocate=asked', ...more];
  const child = spawn(swm, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`swm dev ended with ${code}`)));
    child.stdout?.on('data', (part) => {
      text += part;
      if (text.includes('ready ')) resolve();
    });
  });
  return child;
}

async function stopped(child: ChildProcess): Promise<void> {
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await over;
}
