import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, Partition, PartitionOrder } from '../../src/actors/ports.ts';
import { Limiter } from '../../src/gates/azure/limiter.ts';
import { Failed, type Failure, Malformed } from '../../src/protocol/errors.ts';
import type { Call, Fault, Kind } from '../azure/manners.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';

const { signal } = new AbortController();

/** How it fails, which it must. */
async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (why: unknown) => why,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
}

describe('trouble at Azure', () => {
  let world: AzureWorld;
  let gate: Gate;
  beforeEach(async () => {
    world = await azureWorld();
    gate = await world.open();
  });
  afterEach(() => world.close());

  const manners = () => world.fake.site.manners;
  const countOf = (kind: Kind, method = 'GET'): number =>
    world.fake.calls.filter((call) => call.kind === kind && call.method === method).length;
  const meet = (fault: Pick<Fault, 'do'> & Partial<Fault>, when: Fault['when']): void =>
    void manners().faults.push({ times: 1, ...fault, when });
  const isPut =
    (kind: Kind) =>
    (call: Call): boolean =>
      call.kind === kind && call.method === 'PUT';

  async function ended(order: PartitionOrder): Promise<Partition> {
    for (let looks = 0; looks < 1000; looks++) {
      const found = await gate.find(order.name, signal);
      if (found !== undefined && found.status !== 'creating') return found;
      await pause(5);
    }
    throw new Error('it is still being made');
  }

  it('in the middle of a boot is told in the words of Azure, and all of it can go', async () => {
    const message = 'Allocation failed. We do not have sufficient capacity in this region.';
    manners().refuseBoot = (name) =>
      name.endsWith('-1') ? { code: 'AllocationFailed', message } : undefined;
    const order = orderOf({ nodes: ['main', 'second'] });
    const { externalId } = await gate.create(order, signal);
    expect(await ended(order)).toMatchObject({
      status: 'failed',
      description: `second: AllocationFailed: ${message}`,
    });
    // What failed is not tried again behind anybody's back.
    const before = countOf('machine', 'PUT');
    expect(await gate.create(order, signal)).toMatchObject({ status: 'failed' });
    expect(countOf('machine', 'PUT')).toBe(before);
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('with the quota, or with room, is told as such', async () => {
    manners().cores = 1;
    const order = orderOf({ nodes: ['main', 'second'] });
    const quota = await failureOf(gate.create(order, signal));
    expect(quota).toMatchObject({ code: 'quota', retry: true });
    expect(quota.text).toContain('exceeding approved Total Regional Cores quota');
    expect((await gate.find(order.name, signal))?.status).toBe('creating');
    manners().refuseOrder = () => ({ code: 'SkuNotAvailable', message: 'No tiny here today.' });
    manners().cores = 1000;
    const capacity = await failureOf(gate.create(orderOf(), signal));
    expect(capacity).toMatchObject({ code: 'capacity', retry: true });
    expect(capacity.text).toContain('SkuNotAvailable: No tiny here today.');
    for (const { externalId } of await gate.list(signal)) await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('takes a spot machine away: its partition has failed', async () => {
    gate = await world.openWith({ spot: true });
    const order = orderOf({ nodes: ['main', 'second'] });
    expect(await gate.create(order, signal)).toMatchObject({ evicted: [] });
    expect(await ended(order)).toMatchObject({ status: 'succeeded', evicted: [] });
    await world.fake.site.evict(`${order.name}-1`);
    expect(await gate.find(order.name, signal)).toMatchObject({
      status: 'failed',
      description: 'second: it was evicted, or switched off',
      evicted: ['second'],
    });
    // Machines that nobody may take back are not asked for again and again.
    const plain = await (await world.open()).create(orderOf(), signal);
    expect(plain).not.toHaveProperty('evicted');
  });

  it('with a removal is told, and the next try goes on', async () => {
    manners().failedRemovals = 2;
    const { externalId } = await gate.create(orderOf(), signal);
    for (let tries = 0; tries < 2; tries++) {
      const failure = await failureOf(gate.remove(externalId, signal));
      expect(failure).toMatchObject({ code: 'site_error', retry: true });
      expect(failure.text).toContain('ResourceGroupDeletionBlocked: Deletion of resource group');
      expect(await world.left()).not.toEqual([]);
    }
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('with an answer that is lost does nothing twice', async () => {
    for (const kind of ['group', 'thing', 'machine'] as const) {
      meet({ do: 'lost' }, isPut(kind));
      meet({ do: 'doneError' }, isPut(kind));
    }
    const order = orderOf({ nodes: ['main', 'second'] });
    const { externalId } = await gate.create(order, signal);
    expect((await ended(order)).status).toBe('succeeded');
    expect(world.fake.site.made.toSorted()).toEqual([...new Set(world.fake.site.made)].toSorted());
    meet({ do: 'lost' }, ({ method }) => method === 'DELETE');
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('that lasts is told with its status', async () => {
    meet({ do: 'error', times: 99 }, ({ kind }) => kind === 'group');
    const failure = await failureOf(gate.find('swm-00000000', signal));
    expect(failure).toMatchObject({ code: 'site_error', retry: true });
    expect(failure.text).toContain('The fake was told to be unkind.');
    await world.fake.close();
    const away = await failureOf(gate.find('swm-00000000', signal));
    expect(away).toMatchObject({ code: 'unreachable', retry: true });
    world = await azureWorld();
  });

  it('that is silence ends when its caller gives up', async () => {
    await gate.images(signal);
    meet({ do: 'silent' }, ({ kind }) => kind === 'group');
    const given = new AbortController();
    const asked = failureOf(gate.find('swm-00000000', given.signal));
    while (countOf('group') === 0) await pause(5);
    given.abort();
    expect(await asked).toMatchObject({ code: 'timeout' });
  });

  it('by a group that goes away is waited for by nobody', async () => {
    const order = orderOf();
    await gate.create(order, signal);
    manners().removeMs = 60_000_000;
    void world.fake.site.deleteGroup(`${order.name}-resource-group`);
    expect((await gate.find(order.name, signal))?.status).toBe('deleting');
    expect((await failureOf(gate.create(order, signal))).code).toBe('releasing');
  });

  it('with who we are is final, and tells no secret', async () => {
    await writeFile(join(world.fake.folder, 'secret'), 'not-the-one\n');
    gate = await world.open();
    const failure = await failureOf(gate.find('swm-00000000', signal));
    expect(failure).toMatchObject({ code: 'refused', retry: false });
    expect(failure.text).toContain('AADSTS7000215');
    expect(failure.text).not.toContain('not-the-one');
  });

  it('with the authority is no judgement of us', async () => {
    meet({ do: 'error', times: 99 }, ({ kind }) => kind === 'authority' || kind === 'token');
    expect(await failureOf(gate.find('swm-00000000', signal))).toMatchObject({ retry: true });
  });
});

describe('a site that wants to be left alone', () => {
  it('is left alone by all, for as long as it said', async () => {
    const limiter = new Limiter();
    const asked: number[] = [];
    const answers = [429, 200, 200, 200];
    const next = async () => {
      asked.push(performance.now());
      const status = answers[asked.length - 1]!;
      const wait = status === 429 ? '80' : undefined;
      return {
        status,
        headers: { get: (name: string) => (name === 'retry-after-ms' ? wait : undefined) },
      };
    };
    const begun = performance.now();
    await limiter.sendRequest({}, next);
    expect(limiter.pauseMs()).toBeGreaterThan(0);
    await Promise.all([1, 2, 3].map(() => limiter.sendRequest({}, next)));
    for (const at of asked.slice(1)) expect(at - begun).toBeGreaterThanOrEqual(79);
  });

  it('gives turns on when somebody gives up', async () => {
    const limiter = new Limiter();
    const free: (() => void)[] = [];
    const quiet = { status: 200, headers: { get: () => undefined } };
    const next = () => new Promise<typeof quiet>((resolve) => free.push(() => resolve(quiet)));
    const given = new AbortController();
    const all = Array.from({ length: 16 }, () => limiter.sendRequest({}, next));
    const givenUp = limiter.sendRequest({ abortSignal: given.signal }, next);
    const last = limiter.sendRequest({}, next);
    await pause(1);
    expect(free).toHaveLength(16);
    given.abort();
    await expect(givenUp).rejects.toThrow('given up');
    free[0]!();
    await all[0];
    while (free.length < 17) await pause(1);
    for (const go of free) go();
    await Promise.all([...all, last]);
  });

  it('is heard by the gate: what repeats a request waits too', async () => {
    const world = await azureWorld();
    const gate = await world.open();
    world.fake.site.manners.faults.push({
      do: 'throttle',
      seconds: 1,
      times: 1,
      when: ({ kind }) => kind === 'group',
    });
    const begun = performance.now();
    expect(await gate.find('swm-00000000', signal)).toBeUndefined();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
    await world.close();
  });
});

describe('settings of a site at Azure', () => {
  it('that do not fit are refused, and it is said where', async () => {
    const world = await azureWorld();
    const rows: readonly [object, string][] = [
      [{ subscription: 'mine' }, '$.remotes.azure.subscription'],
      [{ tenant: undefined }, '$.remotes.azure.tenant'],
      [{ auth: { method: 'password' } }, '$.remotes.azure.auth.method'],
      [{ auth: { method: 'clientSecret' } }, '$.remotes.azure.auth.client'],
      [{ locations: [] }, '$.remotes.azure.locations'],
      [{ image: 'hots' }, '$.remotes.azure.image'],
      [{ images: { host: { publisher: 'x' } } }, '$.remotes.azure.images.host'],
      [{ images: { host: { id: '/subscriptions/x', sku: 'y' } } }, '$.remotes.azure.images.host'],
      [{ network: '10.0.0.0' }, '$.remotes.azure.network'],
      [{ network: '10.0.0.1/16' }, '$.remotes.azure.network'],
      [{ network: '10.0.0.0/28' }, '$.remotes.azure.network'],
      [{ endpoint: 'http://plain' }, '$.remotes.azure.endpoint'],
      [{ worker: { url: 'https://x' } }, '$.remotes.azure.worker.sha256'],
      [{ dialIn: 'ssh' }, '$.remotes.azure.ssh.privateKeyFile'],
      [
        { dialIn: 'ssh', ssh: { publicKeyFile: '/k.pub', privateKeyFile: '/k' } },
        '$.remotes.azure.headAddresses',
      ],
      [{ worker: { directory: '/a b' } }, '$.remotes.azure.worker.directory'],
      [{ headAddress: ['1.2.3.4'] }, '$.remotes.azure.headAddress'],
      [{ headAddresses: ['all'] }, '$.remotes.azure.headAddresses.0'],
      [{ whatever: 1 }, '$.remotes.azure.whatever'],
    ];
    for (const [settings, at] of rows) {
      const error = await world.openWith(settings).catch((why: unknown) => why);
      expect(error, JSON.stringify(settings)).toBeInstanceOf(Malformed);
      expect((error as Malformed).at).toBe(at);
    }
    await world.close();
  });

  it('name a secret that nobody else can read', async () => {
    const world = await azureWorld();
    const secretFile = join(world.fake.folder, 'open');
    await writeFile(secretFile, 'secret', { mode: 0o644 });
    const { auth } = world.fake.settings() as { auth: object };
    const failure = await failureOf(world.openWith({ auth: { ...auth, secretFile } }));
    expect(failure.text).toContain(`chmod 600 ${secretFile}`);
    await world.close();
  });
});
