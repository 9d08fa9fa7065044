import { describe, expect, it } from 'vitest';
import { offer } from '../../src/actors/cluster/news.ts';
import { clusterTasks } from '../../src/actors/cluster/tasks.ts';
import { gateTasks } from '../../src/actors/gate/tasks.ts';
import type { Gate, PartitionOrder } from '../../src/actors/ports.ts';
import { neverFits, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import type { Warm } from '../../src/actors/scheduler/warm.ts';
import { made } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { idOf, job, NOW, node, passed, seen, site } from './pictures.ts';
import { spec } from './things.ts';

const wants = (n: number, ...storage: string[]): Waiting => job(n, { storage }, { owner: 'ann' });
const sites = [site({ storages: ['raw'] }), site({ remote: 'big', storages: ['data', 'raw'] })];
const placed = (waiting: Waiting[], change: Partial<Picture> = {}) =>
  passed(seen(waiting, { sites, ...change }), NOW).proposals.map(({ placement }) => placement);

describe('a job that wants storages', () => {
  it('goes to a site that has them all, and never to nodes that are there', () => {
    const there = { nodes: [node('n1', 8)], relocate: 'when-full' } as const;
    const [both] = placed([wants(1, 'raw', 'data')], there);
    expect(both).toMatchObject({ cluster: 'swm-00000001', made: { remote: 'big' } });
    expect(both?.made?.storages).toEqual(['data', 'raw']);
    expect(placed([wants(1, 'raw')])[0]?.made).toMatchObject({ remote: 'cloud' });
    expect(placed([job(1, { relocatable: true })])[0]?.made).not.toHaveProperty('storages');
  });

  it('is refused where no site has one of them, with what each of them lacks, in short', () => {
    expect(neverFits(seen([], { sites }), spec({ storage: ['data', 'x', 'y'] }))).toBe(
      'cloud has no storage data; big has no storage x',
    );
    const long = neverFits(seen([], { sites }), spec({ storage: ['x'.repeat(256)] }));
    expect(long).toBe(
      `cloud has no storage ${'x'.repeat(32)}; big has no storage ${'x'.repeat(32)}`,
    );
    const full = [site(), site({ remote: 'big', storages: ['raw'], clusters: 2 })];
    expect(passed(seen([wants(1, 'raw')], { sites: full }), NOW)).toMatchObject({
      impossible: {},
      reasons: { [idOf(1)]: expect.stringMatching(/^cloud has no storage raw; needs .* in use$/) },
    });
  });

  it('is no reason for others to wait', () => {
    const found = passed(seen([wants(1, 'x'), wants(2, 'raw')], { sites }), NOW);
    expect(found.proposals.map(({ id }) => id)).toEqual([idOf(2)]);
    expect(Object.keys(found.impossible)).toEqual([idOf(1)]);
  });

  it.each<[string[], string[] | undefined, boolean]>([
    [['raw', 'data'], ['data', 'raw'], true],
    [['data'], ['data', 'raw'], false],
    [['data', 'raw'], ['data'], false],
    [['data'], undefined, false],
    [[], ['data'], false],
    [[], undefined, true],
    [['data,raw'], ['data', 'raw'], false],
  ])('that are %s finds a kept cluster with %s: %s', (storage, storages, isFound) => {
    const warm: Warm = {
      cluster: 'w',
      remote: 'big',
      ...{ flavor: 'small', image: 'host', price: 0.1, owner: 'ann', account: '' },
      nodes: ['w-0'],
      ...(storages && { storages }),
    };
    const waits = job(1, { relocatable: true, storage }, { owner: 'ann' });
    const [place] = placed([waits], { warm: [warm] });
    expect(place?.warm).toBe(isFound ? 1 : undefined);
    if (isFound) expect(place?.made?.storages).toEqual(storages);
  });
});

const context = { signal: new AbortController().signal, emit: () => {}, path: '' };

describe('storages', () => {
  it('of a site are told to the scheduler with what else it offers', async () => {
    const gate = { flavors: async () => [], images: async () => [] };
    const facts = { clustersMax: 1, cpusMax: 1, defaultFlavor: '', defaultImage: '' };
    const offers = (storages?: readonly string[]) =>
      gateTasks({
        gates: new Map([['cloud', { ...gate, ...(storages && { storages }) } as unknown as Gate]]),
        sites: new Map([['cloud', facts]]),
        store: memoryStore(),
        installation: 'i',
      }).offers({ remote: 'cloud' }, context);
    expect(await offers(['raw'])).toMatchObject({ remote: 'cloud', storages: ['raw'] });
    expect(await offers()).not.toHaveProperty('storages');
  });

  it('of a cluster are ordered with its machines, and told while it is kept', async () => {
    const orders: PartitionOrder[] = [];
    const gate = { create: async (order: PartitionOrder) => orders.push(order) };
    const tasks = clusterTasks({
      gates: new Map([['cloud', gate as unknown as Gate]]),
      installation: 'i',
      token: () => 't',
      hash: (token) => token,
      bootstrap: async () => ({ heads: [], caFingerprint: 'f' }),
    });
    const plain = { remote: 'cloud', flavor: 'small', image: 'host', price: 0 };
    const of = { cluster: 'c', life: 1, job: 'j', owner: 'o', nodes: ['c-0'] };
    await tasks.create({ ...of, made: { ...plain, storages: ['raw'] } }, context);
    await tasks.create({ ...of, made: plain }, context);
    expect(orders[0]?.storages).toEqual(['raw']);
    expect(orders[1]).not.toHaveProperty('storages');
    const kept = { holds: [], keptUntil: NOW + 60_000 };
    const told = offer(made('up', { ...kept, made: { ...plain, storages: ['raw'] } }));
    expect(told.warm?.storages).toEqual(['raw']);
    expect(offer(made('up', { ...kept, made: plain })).warm).not.toHaveProperty('storages');
  });
});
