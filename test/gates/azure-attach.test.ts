import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, PartitionOrder } from '../../src/actors/ports.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { directoryOf, freePort, type RealMachines, realMachines } from '../azure/real-machines.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';
import { eventually } from './local-world.ts';

const { signal } = new AbortController();

/** Machines of their own need root, as all of CI has. */
describe.runIf(process.getuid?.() === 0)('a machine at Azure that the head dials', () => {
  let root: string;
  let machines: RealMachines;
  let world: AzureWorld;
  let gate: Gate;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'swm-azure-'));
    chmodSync(root, 0o711);
    const port = await freePort();
    const ailing = (name: string) => (name.endsWith('-1') ? ('impostor' as const) : undefined);
    // In the place of the real one, which wants Azure: it takes until it may.
    const wait = `until [ -e ${root}/open ]; do sleep 0.05; done`;
    const blobfuse2 = `#!/bin/sh\n${wait}\nmount -t tmpfs tmpfs "$2"\n`;
    machines = realMachines({ root, port, ailing, commands: { blobfuse2 } });
    const key = join(root, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const login = userInfo().username;
    const settings = {
      dialIn: 'ssh',
      headAddresses: ['127.0.0.1'],
      network: '127.96.0.0/12',
      ssh: { publicKeyFile: `${key}.pub`, privateKeyFile: key, login, port },
      worker: { directory: directoryOf(root), archive: await idleArchive(root) },
    };
    world = await azureWorld(undefined, settings, machines);
    gate = await world.open();
  });
  afterEach(async () => {
    await world.close();
    expect(machines.left()).toEqual([]);
    rmSync(root, { recursive: true, force: true });
  });

  /** A worker that does nothing but be there. */
  async function idleArchive(folder: string): Promise<string> {
    const archive = join(folder, 'idle.tar.gz');
    mkdirSync(join(folder, 'idle/bin'), { recursive: true });
    const program = '#!/bin/sh\nwhile :; do sleep 60; done\n';
    await writeFile(join(folder, 'idle/bin/swm'), program, { mode: 0o755 });
    execFileSync('tar', ['-czf', archive, '-C', join(folder, 'idle'), 'bin']);
    return archive;
  }

  async function made(order: PartitionOrder): Promise<Readonly<Record<string, string>>> {
    await gate.create(order, signal);
    let addresses = {};
    await eventually('it is up', async () => {
      const found = await gate.find(order.name, signal);
      addresses = found?.addresses ?? {};
      return found?.status === 'succeeded';
    });
    return addresses;
  }

  const attach = (
    order: PartitionOrder,
    node: string,
    address: string,
    told: (step: string) => void,
    given: AbortSignal,
  ): Promise<never> => {
    const { bootstrap } = order;
    const tokens = { [node]: bootstrap.tokens[node] ?? '' };
    const machine = { partition: order.name, node, address, bootstrap: { ...bootstrap, tokens } };
    return gate.attach!(machine, told, given);
  };

  it('becomes a worker, which is known by its private address', async () => {
    const order = orderOf({ flavor: 'small' });
    const [node] = order.nodes as [string];
    const addresses = await made(order);
    expect(addresses[node]).toMatch(/^127\.80\./);
    const steps: string[] = [];
    const given = new AbortController();
    const told = (step: string): void => void steps.push(step);
    const attached = attach(order, node, addresses[node]!, told, given.signal);
    const over = attached.catch((error: unknown) => error);
    const last = 'Waiting for Sky Port port readiness';
    await eventually('it is attached', async () => steps.at(-1) === last);
    const wanted = ['Waiting for ssh provisioning port', 'Uploading the worker', last];
    expect(wanted.filter((step) => !steps.includes(step))).toEqual([]);
    const [config = ''] = globSync(join(root, 'machines/*/disk', node, 'swm.yaml'));
    expect(JSON.parse(readFileSync(config, 'utf8'))).toMatchObject({
      name: node,
      cluster: order.name,
      notices: { url: world.fake.announcements.url, machine: `${order.name}-0` },
      address: expect.stringMatching(/^127\.(9[6-9]|10\d|11[01])\./),
      resources: { cpus: 2, memoryBytes: 2 * 2 ** 30, gpus: 0 },
    });
    given.abort();
    expect(((await over) as Failed).failure.code).toBe('timeout');
    const found = await gate.find(order.name, signal);
    await gate.remove(found!.externalId, signal);
    expect(await world.left()).toEqual([]);
    expect(machines.left()).toEqual([]);
  });

  it('becomes no worker before its storages are there', async () => {
    const sasFile = join(root, 'sas');
    await writeFile(sasFile, 'sv=1&sig=abc', { mode: 0o600 });
    gate = await world.openWith({
      storages: { raw: { account: 'own', container: 'raw', sasFile } },
    });
    const order = orderOf({ storages: ['raw'] });
    const [node] = order.nodes as [string];
    const addresses = await made(order);
    const steps: string[] = [];
    const given = new AbortController();
    const told = (step: string): void => void steps.push(step);
    const attached = attach(order, node, addresses[node]!, told, given.signal);
    const over = attached.catch((error: unknown) => error);
    const waits = /: trying again, since .* has not mounted the storage raw yet$/;
    await eventually('it waits', async () => waits.test(steps.at(-1) ?? ''));
    expect(globSync(join(root, 'machines/*/disk', node))).toEqual([]);
    await writeFile(join(root, 'open'), '');
    const last = 'Waiting for Sky Port port readiness';
    await eventually('it is attached', async () => steps.at(-1) === last);
    expect(globSync(join(root, 'machines/*/disk', node, 'swm.yaml'))).toHaveLength(1);
    given.abort();
    await over;
    const found = await gate.find(order.name, signal);
    await gate.remove(found!.externalId, signal);
  });

  it('that is not the one that was ordered is told nothing, and that is final', async () => {
    const order = orderOf({ nodes: ['main', 'second'] });
    const addresses = await made(order);
    expect(new Set(Object.values(addresses)).size).toBe(2);
    const attached = attach(order, 'second', addresses['second']!, () => {}, signal);
    const error = await attached.catch((why: unknown) => why);
    expect(error).toBeInstanceOf(Failed);
    expect((error as Failed).failure).toMatchObject({ code: 'refused', retry: false });
    expect((error as Failed).message).toContain('shows the host key');
    expect(globSync(join(root, 'machines/*/disk/*'))).toEqual([]);
  });
});
