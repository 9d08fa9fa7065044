import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, PartitionOrder } from '../../src/actors/ports.ts';
import { hostKeyOf } from '../../src/gates/azure/host-key.ts';
import { pickSubnet } from '../../src/gates/azure/subnet.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Group, Machine } from '../azure/site.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';
import { eventually } from './local-world.ts';

const { signal } = new AbortController();

describe('a cluster at Azure', () => {
  let world: AzureWorld;
  beforeEach(async () => {
    world = await azureWorld();
  });
  afterEach(() => world.close());

  const groupOf = ({ name }: PartitionOrder): Group => {
    const group = world.fake.site.groups.get(`${name}-resource-group`);
    if (group === undefined) throw new Error(`there is no group of ${name}`);
    return group;
  };
  const bodyOf = (group: Group, kind: string): Record<string, unknown> => {
    const found = [...group.things.values()].find(({ id }) => id.includes(`/${kind}/`));
    return found?.body['properties'] as Record<string, unknown>;
  };
  const machineOf = (order: PartitionOrder, at: number): Machine =>
    groupOf(order).machines.get(`${order.name}-${at}`)!;
  const puts = (): number => world.fake.calls.filter(({ method }) => method === 'PUT').length;

  it('is one group that says whose it is, closed to the world', async () => {
    const gate = await world.openWith({ headAddresses: ['192.0.2.7'], expiresAfterDays: 2 });
    const order = orderOf({ nodes: ['main', 'second'], flavor: 'small', owner: 'ada' });
    await gate.create(order, signal);
    const group = groupOf(order);
    const at = Date.parse(group.tags['swm-created']!);
    expect(group.tags).toEqual({
      'swm-installation': 'here',
      'swm-cluster': order.name,
      'swm-job': order.job,
      'swm-owner': 'ada',
      'swm-created': expect.stringMatching(/^\d{4}-.*Z$/),
      'swm-expires': new Date(at + 2 * 86_400_000).toISOString(),
      'swm-birth': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'swm-nodes': '2',
      'swm-cpus': '4',
      'swm-flavor': 'small',
      'swm-network': expect.stringMatching(/^10\.77\.\d+\.\d+\/26$/),
    });
    const kinds = [...group.things.keys()].map((id) => id.split('/').slice(-2)[0]);
    expect(kinds.toSorted()).toEqual([
      'networkinterfaces',
      'networkinterfaces',
      'networksecuritygroups',
      'publicipaddresses',
      'publicipaddresses',
      'virtualnetworks',
    ]);
    const rules = bodyOf(group, 'networksecuritygroups')['securityRules'] as {
      properties: Record<string, unknown>;
    }[];
    const said = rules.map(({ properties: p }) =>
      [p['access'], p['sourceAddressPrefix'], p['destinationPortRange'], p['priority']].join(' '),
    );
    expect(said).toEqual(['Allow 192.0.2.7 22 100', 'Deny Internet * 4096']);
    for (const { body } of group.things.values())
      expect(body['tags']).toMatchObject({ 'swm-cluster': order.name, 'swm-job': order.job });
    expect(machineOf(order, 1).body['tags']).toMatchObject({ 'swm-node': 'second' });
    expect(machineOf(order, 0).body['properties']).toMatchObject({
      hardwareProfile: { vmSize: 'small' },
      storageProfile: {
        imageReference: {
          publisher: 'Debian',
          offer: 'debian-12',
          sku: '12-gen2',
          version: 'latest',
        },
        osDisk: { createOption: 'FromImage', deleteOption: 'Delete' },
      },
      osProfile: { adminUsername: 'swm', computerName: `${order.name}-0` },
    });
    expect(machineOf(order, 0).order.isSpot).toBe(false);
  });

  it('has its secrets in the custom data of each machine, and nowhere else', async () => {
    const gate = await world.openWith({
      worker: { url: 'https://example.org/w.tar.gz', sha256: 'ab'.repeat(32) },
    });
    const order = orderOf({ nodes: ['main', 'second'], flavor: 'small' });
    await gate.create(order, signal);
    const { customData, privateAddress } = machineOf(order, 1).order;
    expect(customData).toMatch(/^#cloud-config\n/);
    const config = JSON.parse(customData.replace(/^#.*\n/, '')) as {
      ssh_keys: Record<string, string>;
      write_files: { path: string; permissions: string; content: string }[];
      runcmd: string[][];
    };
    const fileOf = (path: string) => config.write_files.find((file) => file.path === path)!;
    expect(fileOf('/opt/swm/join.json').permissions).toBe('0600');
    expect(JSON.parse(fileOf('/opt/swm/join.json').content)).toEqual({
      heads: ['127.0.0.1:1'],
      caFingerprint: 'ab'.repeat(32),
      token: 'token-of-second',
      name: 'second',
      cluster: order.name,
    });
    expect(JSON.parse(fileOf('/opt/swm/swm.yaml').content)).toEqual({
      roles: ['worker'],
      name: 'second',
      cluster: order.name,
      address: privateAddress,
      join: '/opt/swm/join.json',
      notices: { url: world.fake.announcements.url, machine: `${order.name}-1` },
      resources: { cpus: 2, memoryBytes: 2 * 2 ** 30, gpus: 0 },
    });
    expect(config.runcmd).toEqual([
      ['/opt/swm/begin', 'https://example.org/w.tar.gz', 'ab'.repeat(32)],
    ]);
    const key = hostKeyOf('token-of-second');
    expect(config.ssh_keys).toEqual({
      ed25519_private: key.privateKey,
      ed25519_public: key.publicKey,
    });
    const { tags, things } = groupOf(order);
    const open = JSON.stringify([tags, [...things.values()], await gate.find(order.name, signal)]);
    expect(customData).toContain('token-of-second');
    expect(customData).not.toContain('token-of-main');
    expect(open).not.toContain('token-of');
  });

  it('is not touched by a second order for it, whatever the heads are called by then', async () => {
    const order = orderOf({ nodes: ['main', 'second'] });
    await (await world.open()).create(order, signal);
    const before = puts();
    const bootstrap = { ...order.bootstrap, heads: ['elsewhere:1'] };
    await (await world.open()).create({ ...order, bootstrap }, signal);
    expect(puts()).toBe(before);
  });

  it('is asked for seldom while it is up, and for its group each time', async () => {
    const pace = { pollMs: 10, retryMs: 10, settleMs: 600, watchMs: 60_000 };
    const gate = await world.openWith({ pace });
    const order = orderOf({ nodes: ['main', 'second'] });
    const { externalId } = await gate.create(order, signal);
    const status = async () => (await gate.find(order.name, signal))?.status;
    await eventually('it is up', async () => (await status()) === 'succeeded');
    const before = world.fake.calls.length;
    for (let times = 0; times < 5; times++) expect(await status()).toBe('succeeded');
    expect(world.fake.calls.slice(before).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 5 }, () => 'group'),
    );
    await gate.remove(externalId, signal);
    expect(await status()).toBeUndefined();
  });

  it('may be of spot machines, without public addresses, elsewhere, of a gallery', async () => {
    const gate = await world.openWith({
      spot: true,
      publicAddress: false,
      locations: ['westeurope', 'northeurope'],
      images: { own: { id: '/subscriptions/x/galleries/y' } },
      image: 'own',
      worker: { directory: '/srv/swm' },
      notices: '',
    });
    const order = orderOf({ flavor: 'small@northeurope' });
    await gate.create(order, signal);
    const group = groupOf(order);
    expect(group.location).toBe('northeurope');
    expect([...group.things.keys()].filter((id) => id.includes('publicip'))).toEqual([]);
    expect(JSON.stringify(bodyOf(group, 'virtualnetworks'))).toContain(
      '"defaultOutboundAccess":true',
    );
    const { order: made, body } = machineOf(order, 0);
    expect(made).toMatchObject({ isSpot: true, publicAddress: '', size: 'small' });
    expect(body['properties']).toMatchObject({
      evictionPolicy: 'Deallocate',
      storageProfile: { imageReference: { id: '/subscriptions/x/galleries/y' } },
    });
    expect(made.customData).toContain('"/srv/swm/join.json"');
    expect(made.customData).not.toContain('notices');
  });

  it('has 32 machines at most, and asks for no more at once than is good', async () => {
    const gate = await world.openWith({ cpus: 100 });
    const nodes = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);
    await gate.create(orderOf({ nodes: nodes(32) }), signal);
    expect(world.fake.site.machines()).toHaveLength(32);
    expect(world.fake.busiest).toBeLessThanOrEqual(limits.azureRequestsMax);
    const tooMany = await gate.create(orderOf({ nodes: nodes(33) }), signal).catch((e) => e);
    expect((tooMany as Failed).failure).toMatchObject({ code: 'impossible', retry: false });
  });

  it('leaves groups alone that are not of swm, and looks through all pages', async () => {
    const gate: Gate = await world.openWith({ clusters: 9, cpus: 99 });
    const order = orderOf();
    const name = `${order.name}-resource-group`;
    world.fake.site.putGroup(name, { location: 'westeurope', tags: { 'swm-cluster': 'odd' } });
    world.fake.site.putGroup('somebody-elses', { location: 'westeurope' });
    const refused = await gate.create(order, signal).catch((error: unknown) => error);
    expect((refused as Failed).failure).toMatchObject({ code: 'refused', retry: false });
    expect(await gate.find(order.name, signal)).toBeUndefined();
    const made = [];
    for (let count = 0; count < 5; count++) made.push(await gate.create(orderOf(), signal));
    const listed = await gate.list(signal);
    expect(listed.map((each) => each.externalId)).toEqual(made.map((each) => each.externalId));
    const [path] = made[0]!.externalId.split('#');
    await gate.remove(path!.replace(made[0]!.name, order.name).concat('#odd'), signal);
    await gate.remove(`${path}#another-birth`, signal);
    await gate.remove('/subscriptions/other/resourceGroups/x-resource-group#1', signal);
    expect(world.fake.calls.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

describe('the host key of a machine', () => {
  it('is one that sshd reads, and follows from the token', () => {
    const { privateKey, publicKey, known } = hostKeyOf('a token');
    const parsed = ssh2.utils.parseKey(privateKey);
    if (parsed instanceof Error) throw parsed;
    const blob = (Array.isArray(parsed) ? parsed[0] : parsed).getPublicSSH();
    expect(publicKey).toBe(`ssh-ed25519 ${blob.toString('base64')}`);
    const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
    expect(known).toEqual({ fingerprint: `SHA256:${digest}`, type: 'ssh-ed25519' });
    expect(hostKeyOf('a token').publicKey).toBe(publicKey);
    expect(hostKeyOf('another token').publicKey).not.toBe(publicKey);
  });
});

describe('the networks of clusters', () => {
  it('are parts of one range, and none is had by two', () => {
    const taken: string[] = [];
    for (let count = 0; count < 16; count++)
      taken.push(pickSubnet('10.9.0.0/22', `here/swm-${count}`, taken));
    expect(new Set(taken).size).toBe(16);
    expect(taken).toContain('10.9.3.192/26');
    expect(() => pickSubnet('10.9.0.0/22', 'one more', taken)).toThrow(Failed);
  });
});
