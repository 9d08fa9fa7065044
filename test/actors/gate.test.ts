import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { keeping } from '../../src/actors/cluster/keeping.ts';
import { type GateState, gate } from '../../src/actors/gate/gate.ts';
import { gateTasks } from '../../src/actors/gate/tasks.ts';
import type { Partition } from '../../src/actors/ports.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { made } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';

const site = {
  remote: 'cloud',
  clustersMax: 2,
  cpusMax: 8,
  defaultFlavor: 'small',
  defaultImage: 'host',
  flavors: [],
  images: [],
};
const old = NOW - limits.createMsMax - 1;
const stray = (name: string, createdAt = old) => ({ name, externalId: `/id/${name}`, createdAt });
const on = (change: Partial<GateState> = {}) =>
  new Stage<GateState>(gate, { ...gate.init({ remote: 'cloud' }, NOW), ...change });
const TELL = 'tell /scheduler scheduler.site';

const seen = (...found: object[]) => done('strays', { found, swept: true });

describe('a gate', () => {
  it('asks its site what it offers, tells the scheduler, and asks again before that is old', () => {
    const stage = on();
    expect(stage.entered()).toEqual(['run offers', 'run strays']);
    expect(stage.hear(done('offers', site)).effects).toEqual([TELL, 'after 600000 offers']);
    expect(stage.hear({ is: 'offers' }).effects).toEqual(['run offers']);
    expect(stage.hear(failed('offers', failure('site_error', 'down')))).toMatchObject({
      moved: false,
      effects: ['note offers: down', 'after 5000 offers'],
    });
    expect(stage.state.trouble).toBe('down');
  });

  it('tells a scheduler that begins anew what it knows', () => {
    const offer = told('gate.offer', { remote: 'cloud' });
    expect(on({ site }).hear(offer).effects).toEqual([TELL]);
    expect(on().hear(offer).effects).toEqual([]);
  });

  it('sweeps one time after the other, never two at once', () => {
    const stage = on();
    expect(stage.hear({ is: 'sweep' }).effects).toEqual(['run strays']);
    expect(stage.hear(seen()).effects).toEqual(['after 60000 sweep']);
    expect(stage.hear(failed('strays', failure('site_error', 'down'))).effects).toEqual([
      'note strays: down',
      'after 60000 sweep',
    ]);
  });

  it('condemns only what was a stray in two sweeps, and is older than any creation', () => {
    const stage = on();
    const young = stray('young', NOW - limits.createMsMax + 60_000);
    expect(stage.hear(seen(stray('a'), young)).effects).toEqual(['after 60000 sweep']);
    expect(stage.hear(seen(stray('a'), stray('b'), young)).effects).toEqual([
      'tell /clusters/a cluster.condemn',
      'after 60000 sweep',
    ]);
    expect(stage.sent('cluster.condemn')).toEqual({
      cluster: 'a',
      remote: 'cloud',
      externalId: '/id/a',
    });
    expect(stage.hear(seen()).effects).toEqual(['after 60000 sweep']);
    expect(stage.hear(seen(stray('b'))).effects).toEqual(['after 60000 sweep']);
  });
});

describe('a gate after a restore', () => {
  const off = done('strays', { found: [stray('a')], swept: false });

  it('condemns nothing until it may, and then only what it sees twice again', () => {
    const stage = on({ suspects: ['/id/a'] });
    for (let i = 0; i < 3; i++) expect(stage.hear(off).effects).toEqual(['after 60000 sweep']);
    expect(stage.hear(seen(stray('a'))).effects).toEqual(['after 60000 sweep']);
    expect(stage.hear(seen(stray('a'))).effects[0]).toBe('tell /clusters/a cluster.condemn');
  });
});

describe('a look at a site', () => {
  it('is for who asks, whether it succeeds or not', () => {
    const stage = on();
    const ask = told('gate.list', { remote: 'cloud' }, 5);
    expect(stage.hear(ask).effects).toEqual(['run look (5)']);
    const rows = { rows: [], more: 0, unsweptSince: 0 };
    expect(stage.hear(done('look', rows, '5')).effects).toEqual([
      'reply 5 {"rows":[],"more":0,"unsweptSince":0}',
    ]);
    expect(stage.hear(failed('look', failure('site_error', 'down'), '5'))).toMatchObject({
      effects: ['refuse 5 site_error: down'],
    });
    expect(stage.state.trouble).toBe('');
  });
});

describe('a sweep', () => {
  const at = (name: string, change: Partial<Partition> = {}): Partition => ({
    externalId: `/id/${name}`,
    name,
    status: 'succeeded',
    description: '',
    addresses: {},
    installation: 'ours',
    createdAt: old,
    ...change,
  });
  const strays = async (there: readonly Partition[], claims: Record<string, Cluster['phase']>) => {
    const store = memoryStore();
    let listed = false;
    const put = () => {
      for (const [name, phase] of Object.entries(claims))
        store.keep(keeping, `/clusters/${name}`, made(phase, { name }));
    };
    const list = async () => {
      // Whatever is claimed while the site is asked is seen: it is read afterwards.
      put();
      listed = true;
      return there;
    };
    const ports = {
      gates: new Map([['cloud', { list } as never]]),
      sites: new Map([['cloud', site]]),
      store,
      installation: 'ours',
      offered: () => {},
    };
    const context = { signal: new AbortController().signal, emit: () => {}, path: '/gate-cloud' };
    const { found } = await gateTasks(ports).strays({ remote: 'cloud' }, context);
    expect(listed).toBe(true);
    const { rows } = await gateTasks(ports).look({ remote: 'cloud' }, context);
    marks = rows.map(({ name, mark }) => `${mark} ${name}`);
    return found.map(({ name }) => name);
  };
  let marks: readonly string[] = [];

  it('finds what nobody claims, and what is claimed no more', async () => {
    const there = ['claimed', 'going', 'gone', 'unknown'].map((name) => at(name));
    const claims = { claimed: 'creating', going: 'releasing', gone: 'gone' } as const;
    expect(await strays(there, claims)).toEqual(['gone', 'unknown']);
    expect(marks).toEqual(['stray gone', 'stray unknown', 'claimed claimed', 'claimed going']);
  });

  it('leaves alone what another installation has made, and what goes already', async () => {
    const there = [at('a', { installation: 'theirs' }), at('b', { status: 'deleting' })];
    expect(await strays(there, {})).toEqual([]);
    expect(marks).toEqual(['stray b', 'foreign a']);
  });

  it('knows its own by their names where a site keeps no tags', async () => {
    const bare = { installation: '' };
    const there = [at('gone', bare), at('live', bare), at('theirs', bare)];
    expect(await strays(there, { gone: 'gone', live: 'up' })).toEqual(['gone']);
    expect(marks).toEqual(['stray gone', 'claimed live', 'foreign theirs']);
  });

  it('removes nothing where a site lacks something, which is told to who looks', async () => {
    const claims = { up: 'up', joining: 'joining', creating: 'creating', gone: 'gone' } as const;
    expect(await strays([], claims)).toEqual([]);
    expect(marks).toEqual(['missing joining', 'missing up']);
  });
});
