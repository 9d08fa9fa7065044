import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, PartitionOrder } from '../../src/actors/ports.ts';
import { readSettings } from '../../src/gates/ssh/settings.ts';
import { Failed, type Failure } from '../../src/protocol/errors.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type Fleet, fleet, type SshWorld, sshWorld } from './ssh-world.ts';

const never = new AbortController().signal;
let hosts: Fleet;
let world: SshWorld;
let gate: Gate;

async function refusal(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (why: unknown) => why,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
}

/** The host falls silent: nobody gets in, and who was in is cut off. */
async function darken(at: number): Promise<void> {
  await hosts.hosts[at]?.stop();
  hosts.hosts[at]?.cut();
}

const on = (order: PartitionOrder): readonly number[] =>
  hosts.hosts.flatMap(({ directory }, at) => {
    try {
      const lease = readFileSync(join(directory, 'lease/lease.json'), 'utf8');
      return (JSON.parse(lease) as { name: string }).name === order.name ? [at] : [];
    } catch {
      return [];
    }
  });

describe('a site of hosts', () => {
  beforeAll(async () => {
    hosts = await fleet(3);
  });
  beforeEach(async () => {
    world = await sshWorld(hosts);
    gate = await world.open();
  });
  afterEach(async () => {
    for (const host of hosts.hosts) {
      await host.stop();
      await host.start();
    }
    await world.close();
  });
  afterAll(() => hosts.close());

  describe('a host that does not answer', () => {
    it('hides no others, and what may be on it is not said to be gone', async () => {
      const order = orderOf();
      const made = await gate.create(order, never);
      const [at = -1] = on(order);
      const other = orderOf();
      await gate.create(other, never);
      await darken(at);
      expect(await gate.find(other.name, never)).toMatchObject({ status: 'succeeded' });
      expect((await gate.list(never)).map(({ name }) => name)).toEqual([other.name]);
      expect(await refusal(gate.find(order.name, never))).toMatchObject({
        code: 'unreachable',
        retry: true,
      });
      expect((await refusal(gate.remove(made.externalId, never))).code).toBe('unreachable');
      expect(on(order)).toEqual([at]);
      // Those that are there are used meanwhile.
      const third = orderOf();
      await gate.create(third, never);
      expect((await refusal(gate.create(orderOf(), never))).code).toBe('capacity');
      await hosts.hosts[at]?.start();
      expect(await gate.find(order.name, never)).toEqual(made);
      await gate.remove(made.externalId, never);
      expect(await gate.find(order.name, never)).toBeUndefined();
    });

    it('is told of where it is one of several', async () => {
      const order = orderOf({ nodes: ['main', 'second'] });
      const made = await gate.create(order, never);
      const [, second = -1] = on(order);
      await darken(second);
      const found = await gate.find(order.name, never);
      expect(found).toMatchObject({ externalId: made.externalId, addresses: made.addresses });
      expect(found?.status).toBe('updating');
      expect(found?.description).toContain(hosts.hosts[second]?.address);
      // What can be cleared is, and the rest when it is back.
      expect((await refusal(gate.remove(made.externalId, never))).code).toBe('unreachable');
      expect(on(order)).toEqual([second]);
      await hosts.hosts[second]?.start();
      await gate.remove(made.externalId, never);
      expect(on(order)).toEqual([]);
    });

    it('counts for nothing once an operator says that it is lost', async () => {
      const order = orderOf();
      const made = await gate.create(order, never);
      const [at = -1] = on(order);
      await darken(at);
      const lost = world.given.map((host, i) => (i === at ? { ...host, lost: true } : host));
      gate = await world.openWith({ hosts: lost });
      await gate.remove(made.externalId, never);
      expect(await gate.find(order.name, never)).toBeUndefined();
    });

    it('keeps the site from being looked at if all are silent', async () => {
      for (const at of hosts.hosts.keys()) await darken(at);
      expect((await refusal(gate.list(never))).code).toBe('unreachable');
      expect((await refusal(gate.create(orderOf(), never))).code).toBe('unreachable');
    });
  });

  describe('a lease', () => {
    it('is gone on with by whoever comes after a crash in the middle of it', async () => {
      const order = orderOf({ nodes: ['main', 'second'] });
      const made = await gate.create(order, never);
      const [first = -1, second = -1] = on(order);
      const { directory } = hosts.hosts[second]!;
      // As it was before the second host was taken.
      rmSync(join(directory, 'lease'), { recursive: true });
      gate = await world.open();
      expect(await gate.find(order.name, never)).toMatchObject({ status: 'creating' });
      expect(await gate.create(order, never)).toEqual(made);
      expect(on(order)).toEqual([first, second]);
    });

    it('is of one installation, whichever asks', async () => {
      const all = hosts.hosts.map(() => orderOf());
      for (const order of all) await gate.create(order, never);
      const theirs = await world.open();
      const order = orderOf({ installation: 'there' });
      expect((await refusal(theirs.create(order, never))).code).toBe('capacity');
      expect((await theirs.list(never)).map(({ installation }) => installation)).toEqual(
        all.map(() => 'here'),
      );
    });

    it('that somebody has spoilt is nobody’s to remove', async () => {
      const order = orderOf();
      await gate.create(order, never);
      const [at = -1] = on(order);
      writeFileSync(join(hosts.hosts[at]!.directory, 'lease/lease.json'), 'nonsense');
      expect((await refusal(gate.find(order.name, never))).text).toContain('is damaged');
    });
  });

  describe('hosts', () => {
    it('that are met for the first time are remembered, and must stay who they are', async () => {
      const met = world.given.map((host) => ({ ...host, hostKey: undefined }));
      gate = await world.openWith({ hosts: JSON.parse(JSON.stringify(met)) as object[] });
      await gate.list(never);
      const known = readFileSync(join(world.spool, 'gates/lab/known-hosts.json'), 'utf8');
      for (const { fingerprint } of hosts.hosts) expect(known).toContain(fingerprint);
      const keys = JSON.parse(known) as Record<string, { fingerprint: string }>;
      const [id = ''] = Object.keys(keys);
      const other = { ...keys, [id]: { fingerprint: `SHA256:${'A'.repeat(43)}`, type: '' } };
      writeFileSync(join(world.spool, 'gates/lab/known-hosts.json'), JSON.stringify(other));
      gate = await world.openWith({ hosts: JSON.parse(JSON.stringify(met)) as object[] });
      const order = orderOf();
      const why = await refusal(gate.find(order.name, never));
      expect(why.text).toMatch(/may be where we cannot look: .* shows the host key SHA256:/);
    });

    it('that have no folder for it are told as they are', async () => {
      const at = world.hosts[0]!.directory;
      writeFileSync(at, 'a file');
      const order = orderOf({ nodes: ['a', 'b', 'c'] });
      expect((await refusal(gate.create(order, never))).text).toContain(at);
      expect(on(order)).toEqual([]);
      rmSync(at);
    });
  });
});

describe('settings', () => {
  const host = { address: '10.0.0.1', key: '/k', cpus: 4, memory: '8GiB' };
  const wrong: readonly (readonly [string, object])[] = [
    ['$.remotes.lab: must have required properties hosts', {}],
    ['$.remotes.lab.hosts', { hosts: [] }],
    ['$.remotes.lab.hosts.0.key', { hosts: [{ ...host, key: undefined }] }],
    ['$.remotes.lab.hosts.0.hostKey', { hosts: [{ ...host, hostKey: 'MD5:00' }] }],
    ['$.remotes.lab.hosts.0.directory', { hosts: [{ ...host, directory: '/a/../b' }] }],
    ['$.remotes.lab.hosts.0.address', { hosts: [{ ...host, address: '-oProxyCommand=x' }] }],
    ['$.remotes.lab.hosts.0.user', { hosts: [{ ...host, user: 'a b' }] }],
    ['$.remotes.lab.hosts.0', { hosts: [{ ...host, adress: 'x' }] }],
    ['$.remotes.lab.hosts: 10.0.0.1 is there twice', { hosts: [host, host] }],
    ['not alike', { hosts: [host, { ...host, port: 23, flavor: '4-cpus-8-gib', cpus: 8 }] }],
    ['$.remotes.lab.directry', { hosts: [host], directry: '/opt' }],
  ];
  it.each(wrong)('that do not fit are told with their place: %s', (place, settings) => {
    const given = JSON.parse(JSON.stringify(settings)) as object;
    expect(() => readSettings(given, '$.remotes.lab')).toThrow(place);
  });

  it('of the site are those of each host that has none of its own', () => {
    const other = { ...host, port: 2222, user: 'ada', directory: '/home/ada/swm', memory: '6GiB' };
    const given = { key: '/site', user: 'swm', hosts: [{ ...host, key: undefined }, other] };
    const site = JSON.parse(JSON.stringify(given)) as object;
    const { hosts: all, flavors, clusters, cpus } = readSettings(site, '$');
    expect(all).toMatchObject([
      { port: 22, user: 'swm', key: '/site', directory: '/opt/swm', flavor: '4-cpus-8-gib' },
      { port: 2222, user: 'ada', key: '/k', directory: '/home/ada/swm', flavor: '4-cpus-6-gib' },
    ]);
    expect(flavors.map(({ name }) => name)).toEqual(['4-cpus-8-gib', '4-cpus-6-gib']);
    expect([clusters, cpus]).toEqual([2, 8]);
  });
});
