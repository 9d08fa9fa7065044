import { describe, expect, it } from 'vitest';
import { keeping as clusterKeeping } from '../../src/actors/cluster/keeping.ts';
import {
  type Housekeeper,
  type HousekeeperArgs,
  housekeeper,
} from '../../src/actors/housekeeper/housekeeper.ts';
import { housekeeperTasks } from '../../src/actors/housekeeper/tasks.ts';
import { keeping as jobKeeping } from '../../src/actors/job/keeping.ts';
import { controlTree, workerTree } from '../../src/actors/tree.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { PoolArgs } from '../../src/runtime/pool.ts';
import { made } from './clusters.ts';
import { memoryStore } from './memory.ts';
import { done, failed, NOW, Stage } from './stage.ts';
import { aJob, ID, OTHER } from './things.ts';

const HOUR = 3_600_000;
const on = (args: Partial<HousekeeperArgs> = {}) =>
  new Stage<Housekeeper>(
    housekeeper,
    housekeeper.init({ node: '', rules: [{ index: '/ended', keptMs: HOUR }], ...args }, NOW),
  );
const old = (...paths: string[]) => paths.map((path) => ({ path, before: NOW - HOUR }));

describe('a housekeeper', () => {
  it('looks, tells the owners of what is old, and looks again', () => {
    const stage = on();
    expect(stage.entered()).toEqual(['run look']);
    const found = old(`/jobs/${ID}`, '/clusters/swm-1', '/nodes/n1', `/heralds/${ID}`);
    expect(stage.hear(done('look', { old: found, isAll: true })).effects).toEqual([
      `tell /jobs/${ID} job.purge`,
      'tell /clusters/swm-1 cluster.forget',
      'tell /nodes/n1 node.forget',
      `tell /heralds/${ID} herald.forget`,
      'after 60000 look',
    ]);
    expect(stage.sent('job.purge')).toEqual({ id: ID, before: NOW - HOUR });
    expect(stage.hear({ is: 'look' }).effects).toEqual(['run look']);
  });

  it('comes back soon where there was more than a page', () => {
    expect(on().hear(done('look', { old: [], isAll: false })).effects).toEqual(['after 1000 look']);
    expect(on().hear(failed('look', failure('bug', ''))).effects).toEqual(['after 60000 look']);
  });

  it('looks as often as what it keeps shortest asks for', () => {
    const pause = (keptMs: number) =>
      on({ rules: [{ index: '/ended', keptMs }] }).hear(done('look', { old: [], isAll: true }))
        .effects;
    expect(pause(0)).toEqual(['after 1000 look']);
    expect(pause(8_000)).toEqual(['after 2000 look']);
    expect(pause(HOUR)).toEqual(['after 60000 look']);
  });

  it('of a worker speaks to its own runners', () => {
    const stage = on({ node: 'n1' });
    const found = old(`/runners/${ID}.1.0`);
    expect(stage.hear(done('look', { old: found, isAll: true })).effects[0]).toBe(
      `tell n1/runners/${ID}.1.0 runner.forget`,
    );
  });
});

describe('what is old', () => {
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/housekeeper' };
  const ended = (id: string, since: number) => aJob({ id, phase: 'ended', since });

  it('is what ended before, and no younger, and nothing that lives', async () => {
    const store = memoryStore();
    store.keep(jobKeeping, `/jobs/${ID}`, ended(ID, NOW - HOUR - 1));
    store.keep(jobKeeping, `/jobs/${OTHER}`, ended(OTHER, NOW - HOUR));
    store.keep(jobKeeping, '/jobs/x', aJob({ id: 'x', submittedAt: 1, since: 1 }));
    store.keep(clusterKeeping, '/clusters/swm-1', made('gone', { since: 1 }));
    store.keep(clusterKeeping, '/clusters/swm-2', made('up', { since: 1 }));
    const rules = [
      { index: '/ended', keptMs: HOUR },
      { index: '/tombs', keptMs: limits.tombstoneMs },
    ];
    const look = housekeeperTasks(store).look({ rules, now: NOW }, context);
    expect(await look).toEqual({
      old: [
        { path: `/jobs/${ID}`, before: NOW - HOUR },
        { path: '/clusters/swm-1', before: NOW - limits.tombstoneMs },
      ],
      isAll: true,
    });
    const kept = housekeeperTasks(store, { retentionMs: HOUR + 1 }).look;
    const { old } = await kept({ rules, now: NOW }, context);
    expect(old.map(({ path }) => path)).toEqual(['/clusters/swm-1']);
  });

  it('comes a page at a time, the oldest first', async () => {
    const store = memoryStore();
    for (let n = 0; n <= limits.pageMax; n++)
      store.keep(jobKeeping, `/jobs/${n}`, ended(String(n), n + 1));
    const rules = [{ index: '/ended', keptMs: 0 }];
    const page = await housekeeperTasks(store).look({ rules, now: NOW }, context);
    expect(page.old).toHaveLength(limits.pageMax);
    expect(page.old[0]?.path).toBe('/jobs/0');
    expect(page.isAll).toBe(false);
  });
});

const founder = { name: 'alpha', address: 'alpha:1' };

describe('a tree', () => {
  const child = (tree: ReturnType<typeof controlTree>, name: string) =>
    tree.children.find((c) => c.name === name);

  it('keeps ended jobs for as long as the configuration says, or for ever', () => {
    const store = memoryStore();
    const rules = (retentionMs?: number) =>
      child(
        controlTree({
          store,
          founder,
          remotes: [],
          relocate: 'asked',
          ...(retentionMs === undefined ? {} : { retentionMs }),
        }),
        'housekeeper',
      )?.args;
    const tombs = { index: '/tombs', keptMs: limits.tombstoneMs };
    expect(rules()).toEqual({ node: '', rules: [tombs] });
    expect(rules(9)).toEqual({ node: '', rules: [{ index: '/ended', keptMs: 9 }, tombs] });
    expect(child(workerTree(store, 'n1'), 'runner-housekeeper')?.args).toEqual({
      node: 'n1',
      rules: [tombs],
    });
  });

  it('finds what lives now, not what lived when the tree was made', () => {
    const store = memoryStore();
    const args = child(
      controlTree({ store, founder, remotes: [], relocate: 'asked' }),
      'jobs',
    )?.args;
    expect((args as PoolArgs).live).toEqual([]);
    store.keep(jobKeeping, `/jobs/${ID}`, aJob({ phase: 'placing' }));
    expect((args as PoolArgs).live).toEqual([ID]);
  });

  it('starts who is written to before those who write', () => {
    const tree = controlTree({
      store: memoryStore(),
      founder,
      remotes: ['cloud'],
      relocate: 'asked',
    });
    expect(tree.children.map(({ name }) => name)).toEqual([
      'group',
      'scheduler',
      'accounts',
      'entries',
      'reputes',
      'clusters',
      'nodes',
      'safes',
      'users',
      'heralds',
      'jobs',
      'sweeper',
      'schedules',
      'gate-cloud',
      'housekeeper',
    ]);
  });
});
