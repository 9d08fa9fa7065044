import { describe, expect, it } from 'vitest';
import { free } from '../../src/actors/scheduler/free.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import type { Warm } from '../../src/actors/scheduler/warm.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { idOf, job, NOW, passed, seen, site } from './pictures.ts';

const warm = (name: string, nodes = 1, change: Partial<Warm> = {}): Warm => ({
  cluster: name,
  remote: 'cloud',
  flavor: 'small',
  image: 'host',
  price: 0.1,
  owner: 'ann',
  account: '',
  nodes: Array.from({ length: nodes }, (_, i) => `${name}-${i}`),
  ...change,
});
const of = (n: number, asked: Partial<Spec> = {}, owner = 'ann'): Waiting =>
  job(n, { relocatable: true, ...asked }, { owner });
const placesOf = (waiting: Waiting[], there: Warm[], change = {}) =>
  Object.fromEntries(
    passed(seen(waiting, { warm: there, ...change }), NOW).proposals.map(({ id, placement }) => [
      id,
      placement,
    ]),
  );

describe('a cluster that is kept', () => {
  it('is preferred, with as many of its nodes as are wanted; all of them are paid', () => {
    const places = placesOf([of(1, { nodes: 2, cpus: 2 })], [warm('w5', 5), warm('w3', 3)]);
    expect(places[idOf(1)]).toEqual({
      cluster: 'w3',
      nodes: ['w3-0', 'w3-1'],
      made: { remote: 'cloud', flavor: 'small', image: 'host', price: 0.1 },
      resources: { cpus: 2, memoryBytes: 0, gpus: 0 },
      ports: [],
      warm: 3,
    });
  });

  it.each<[string, Waiting, Partial<Warm>]>([
    ['another owner', of(1, {}, 'ben'), {}],
    ['an owner whom nobody knows', job(1, { relocatable: true }), {}],
    ['another account', of(1, { account: 'lab' }), {}],
    ['more nodes', of(1, { nodes: 2 }), {}],
    ['another flavor', of(1, { flavor: 'cheap' }), {}],
    ['more than its flavor has', of(1, { cpus: 4 }), {}],
    ['another image', of(1), { image: 'old' }],
    ['another site', of(1), { remote: 'gone' }],
    ['a budget that is too small for it', of(1, { budget: 0.002 }), { price: 0.2 }],
  ])('is not for a job of %s', (_, waits, change) => {
    const place = placesOf([waits], [warm('w', 1, change)])[idOf(1)];
    expect(place?.cluster).toBe('swm-00000001');
    expect(place?.warm).toBeUndefined();
  });

  it('is for one job', () => {
    const places = placesOf([of(1), of(2)], [warm('w')]);
    expect([places[idOf(1)]?.cluster, places[idOf(2)]?.cluster]).toEqual(['w', 'swm-00000002']);
  });

  it('is found for its owner behind a job of somebody else, where the site is full', () => {
    const full = { sites: [site({ clusters: 2 })] };
    const places = placesOf([of(1, {}, 'ben'), of(2)], [warm('w')], full);
    expect(places).toMatchObject({ [idOf(2)]: { cluster: 'w' } });
    expect(Object.keys(places)).toEqual([idOf(2)]);
  });

  it('stays again, if the next job wants that too', () => {
    const stays = { sites: [site({ keepMs: 5 })] };
    const keep = { keepResources: true };
    expect(placesOf([of(1, keep)], [warm('w')], stays)[idOf(1)]?.keepMs).toBe(5);
    expect(placesOf([of(1, keep)], [], stays)[idOf(1)]?.keepMs).toBe(5);
    expect(placesOf([of(1)], [warm('w')], stays)[idOf(1)]?.keepMs).toBeUndefined();
  });

  it('is not proposed twice before its cluster has heard of it', () => {
    const news = {
      cluster: 'w',
      open: false,
      claimed: null,
      made: { remote: 'cloud', flavor: 'small', nodes: 1 },
      warm: { owner: 'ann', account: '', image: 'host', price: 0.1 },
      nodes: [{ name: 'w-0', up: true, free: at, total: at, ports: [] }],
    };
    const known = {
      clusters: new Map([['w', news]]),
      sites: new Map(),
      reputes: new Map(),
      relocate: 'asked',
      policy: defaultPolicy,
      usage: new Map(),
      preempted: [],
      passed: new Map(),
    } as const;
    expect(free({ ...known, proposed: new Map() }).warm).toEqual([warm('w')]);
    const placement = placesOf([of(1)], [warm('w')])[idOf(1)]!;
    const proposed = new Map([[idOf(1), { attempt: 1, at: NOW, placement }]]);
    expect(free({ ...known, proposed }).warm).toEqual([]);
  });
});

const at = { cpus: 2, memoryBytes: 0, gpus: 0 };
