import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Flavor } from '../../src/actors/ports.ts';
import type { Failed } from '../../src/protocol/errors.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';

const { signal } = new AbortController();
const GIB = 2 ** 30;

describe('what a site at Azure offers', () => {
  let world: AzureWorld;
  beforeEach(async () => {
    world = await azureWorld();
  });
  afterEach(() => world.close());

  const flavors = async (changes: object = {}): Promise<readonly Flavor[]> =>
    (await world.openWith(changes)).flavors(signal);
  const pricesAsked = (): number => world.fake.calls.filter(({ kind }) => kind === 'prices').length;
  const copy = (): string => join(world.spool, 'gates/azure/prices.json');
  const downList = (): void =>
    void world.fake.site.manners.faults.push({
      do: 'error',
      times: 99,
      when: ({ kind }) => kind === 'prices',
    });

  it('is all sizes that the subscription may have, with what Linux costs on demand', async () => {
    const flavor = (name: string, cpus: number, gib: number, mib: number, price: number) => ({
      name,
      resources: { cpus, memoryBytes: gib * GIB, gpus: 0 },
      storageBytes: mib * 2 ** 20,
      price,
    });
    expect(await flavors()).toEqual([
      flavor('tiny', 1, 0.5, 4096, 0.01),
      flavor('small', 2, 2, 16_384, 0.02),
      flavor('medium', 4, 8, 0, 0.04),
      flavor('large', 8, 16, 65_536, 0.08),
    ]);
  });

  it('says of the others why there are none', async () => {
    const gate = await world.open();
    const rows = [
      ['gpu', 'the quota standardNCFamily of the subscription in westeurope is 0'],
      ['closed', 'NotAvailableForSubscription'],
    ] as const;
    for (const [flavor, why] of rows) {
      const error = await gate.create(orderOf({ flavor }), signal).catch((e: unknown) => e);
      expect((error as Failed).failure).toMatchObject({ code: 'impossible', retry: false });
      expect((error as Failed).message).toContain(why);
    }
    world.fake.site.manners.cores = 3;
    expect((await flavors()).map(({ name }) => name)).toEqual(['tiny', 'small']);
  });

  it('is of spot machines at their price, where there are any', async () => {
    const spot = await flavors({ spot: true });
    expect(spot.map(({ name, price }) => [name, price])).toEqual([
      ['tiny', 1 / 400],
      ['small', 2 / 400],
      ['large', 8 / 400],
    ]);
  });

  it('is of several locations, those that are wanted, at prices of one’s own', async () => {
    const some = await flavors({
      locations: ['westeurope', 'northeurope'],
      flavors: ['small', 'unpriced'],
      prices: { unpriced: 3, 'small@northeurope': 4 },
    });
    expect(some.map(({ name, price }) => [name, price])).toEqual([
      ['small', 0.02],
      ['unpriced', 3],
      ['small@northeurope', 4],
      ['unpriced@northeurope', 3],
    ]);
  });

  it('keeps a copy of the prices, which is used while it is young', async () => {
    await flavors();
    const asked = pricesAsked();
    expect(asked).toBeGreaterThan(1);
    await flavors();
    expect(pricesAsked()).toBe(asked);
    const kept = JSON.parse(await readFile(copy(), 'utf8')) as { locations: object };
    expect(kept).toMatchObject({
      version: 1,
      currency: 'USD',
      locations: {
        westeurope: {
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          prices: { small: { plain: 0.02, spot: 0.005 } },
        },
      },
    });
    const old = JSON.stringify(kept).replace(/"at":"[^"]+"/, '"at":"2020-01-01T00:00:00.000Z"');
    await writeFile(copy(), old);
    await flavors();
    expect(pricesAsked()).toBe(2 * asked);
  });

  it('takes an old copy when the list is down, and fails without one', async () => {
    downList();
    const gate = await world.open();
    const error = await gate.flavors(signal).catch((e: unknown) => e);
    expect((error as Failed).failure).toMatchObject({ code: 'site_error', retry: true });
    const prices = { small: { plain: 7 } };
    const locations = { westeurope: { at: '2020-01-01T00:00:00.000Z', prices } };
    await mkdir(join(copy(), '..'), { recursive: true });
    await writeFile(copy(), JSON.stringify({ version: 1, currency: 'USD', locations }));
    expect(await gate.flavors(signal)).toMatchObject([{ name: 'small', price: 7 }]);
    expect((await flavors({ priceUrl: '' })).map(({ price }) => price)).toEqual([0, 0, 0, 0, 0]);
  });

  it('makes nothing of a copy that is damaged', async () => {
    await flavors();
    await writeFile(copy(), '{"version":1');
    expect(await flavors()).toHaveLength(4);
  });
});
