import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gate } from '../../src/actors/ports.ts';
import { openGate } from '../../src/gates/gates.ts';
import type { GateSetup } from '../../src/gates/setup.ts';
import type { GateWorld } from '../ports/gate.suite.ts';
import { makeHost, type SshHost } from '../sshd/sshd.ts';

export type SshWorld = GateWorld & {
  readonly hosts: readonly SshHost[];
  readonly spool: string;
  openWith(settings: object, setup?: Partial<GateSetup>): Promise<Gate>;
  /** What the config says of each host. */
  readonly given: readonly object[];
};

export type Fleet = { readonly hosts: readonly SshHost[]; close(): Promise<void> };

/** Hosts with their servers up, for all tests of a file. */
export async function fleet(count: number): Promise<Fleet> {
  const hosts = await Promise.all(Array.from({ length: count }, () => makeHost()));
  await Promise.all(hosts.map((host) => host.start()));
  return { hosts, close: async () => void (await Promise.all(hosts.map((host) => host.close()))) };
}

/** As the suite wants its site: the first four hosts are `tiny`, the others `small`. */
export async function sshWorld({ hosts }: Fleet, settings: object = {}): Promise<SshWorld> {
  const spool = await mkdtemp(join(tmpdir(), 'swm-gate-'));
  const given = hosts.map((host, at) => ({
    address: host.address,
    port: host.port,
    user: host.user,
    key: host.key,
    hostKey: host.fingerprint,
    directory: host.directory,
    ...(at < 4
      ? { flavor: 'tiny', cpus: 1, memory: '1GiB' }
      : { flavor: 'small', cpus: 2, memory: '2GiB' }),
  }));
  const openWith = (other: object, setup: Partial<GateSetup> = {}): Promise<Gate> =>
    openGate('ssh', {
      remote: 'lab',
      settings: { clusters: 4, cpus: 6, hosts: given, ...settings, ...other },
      spool,
      workerCommand: [],
      workerConfig: {},
      head: 'head-1',
      mesh: async () => ({ host: '127.0.0.1', port: 1 }),
      note: () => {},
      now: Date.now,
      dice: Math.random,
      ...setup,
    });
  return {
    hosts,
    spool,
    given,
    openWith,
    open: () => openWith({}),
    run: (work) => work,
    pass: () => pause(5),
    left: async () => hosts.flatMap(({ directory }) => leftIn(directory)),
    async close() {
      for (const { directory } of hosts) rmSync(directory, { recursive: true, force: true });
      await rm(spool, { recursive: true, force: true });
    },
  };
}

/** What lies where a worker may live, but the program, which is kept for the next one. */
export function leftIn(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory);
    return names.filter((name) => !/^(worker-[0-9a-f]{16}|swm-worker\.tar\.gz)$/.test(name));
  } catch {
    return [];
  }
}
