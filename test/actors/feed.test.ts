import { describe, expect, it } from 'vitest';
import { feedOf } from '../../src/actors/feed.ts';
import { FeedPast } from '../../src/actors/feed-past.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { limits } from '../../src/protocol/limits.ts';
import { memoryStore } from './memory.ts';
import { NOW } from './stage.ts';
import { aJob } from './things.ts';

const what = 'jobs' as const;
const add = (past: FeedPast, revision: number, key: string, at = NOW) =>
  past.add({ revision, what, key, at });

describe('what a feed remembers', () => {
  it('is each thing once that has changed since, in the order of its last change', () => {
    const past = new FeedPast();
    expect(past.since(what, 0, NOW)).toEqual([]);
    for (const [n, key] of ['a', 'b', 'a', 'c'].entries()) add(past, n + 1, key);
    past.add({ revision: 5, what: 'nodes', key: 'n', at: NOW });
    expect(past.since(what, 0, NOW)).toEqual(['b', 'a', 'c']);
    expect(past.since(what, 3, NOW)).toEqual(['a', 'c']);
    expect(past.since('nodes', 3, NOW)).toEqual(['n']);
    expect(past.since(what, 9, NOW)).toEqual([]);
  });

  it('is no more than so much, and then nothing but that it is too little', () => {
    const past = new FeedPast(3);
    for (let n = 1; n <= 6; n++) add(past, n, `k${n}`);
    expect(past.since(what, 4, NOW)).toEqual(['k4', 'k5', 'k6']);
    expect(past.since(what, 3, NOW)).toBeUndefined();
  });

  it('is not half of what was changed at once', () => {
    const past = new FeedPast(2);
    for (const key of ['a', 'b', 'c']) add(past, 1, key);
    add(past, 2, 'd');
    expect(past.since(what, 1, NOW)).toBeUndefined();
    expect(past.since(what, 2, NOW)).toEqual(['d']);
  });

  it('is nothing that is too long ago, nor of before all was replaced', () => {
    const past = new FeedPast();
    add(past, 1, 'a');
    add(past, 2, 'b', NOW + 1_000);
    const late = NOW + limits.watchPastMs;
    expect(past.since(what, 1, late - 1)).toEqual(['a', 'b']);
    expect(past.since(what, 1, late)).toBeUndefined();
    expect(past.since(what, 2, late)).toEqual(['b']);
    past.clear(4);
    expect(past.since(what, 3, late)).toBeUndefined();
    expect(past.since(what, 4, late)).toEqual([]);
  });
});

function world() {
  const store = memoryStore();
  const { feed, telling } = feedOf(store, { now: () => NOW }, 'h1');
  const idOf = (n: number): string =>
    `${n}`.padStart(8, '0').concat('-0000-8000-8000-000000000000');
  const put = (n: number, change: Partial<Job> = {}): void => {
    const path = `/jobs/${idOf(n)}`;
    store.keep(keeping, path, { ...aJob(change), id: idOf(n) });
    telling.changed([{ key: `r${path}#head`, value: undefined }]);
  };
  const since = (revision: number, wanted = { id: '', owner: '' }) =>
    [...(feed.since('jobs', wanted, revision) ?? [])].map(({ key, row, owner }) => [
      Number(key.slice(0, 8)),
      row && (row as Job).phase,
      owner,
    ]);
  return { feed, telling, idOf, put, since };
}

describe('a feed', () => {
  it('tells how what has changed since is now', () => {
    const { feed, put, since } = world();
    put(1);
    put(2, { owner: 'ben' });
    const from = feed.revision;
    put(1, { phase: 'placing' });
    put(3, { remains: 'key', phase: 'ended' });
    expect(since(from)).toEqual([
      [2, 'queued', 'ben'],
      [1, 'placing', 'ann'],
      // Whoever knew it hears that it is no more.
      [3, null, 'ann'],
    ]);
    expect(since(from, { id: '', owner: 'ben' })).toEqual([[2, 'queued', 'ben']]);
    expect(since(from, { id: '00000001', owner: 'ann' })).toEqual([[1, 'placing', 'ann']]);
    expect(since(feed.revision + 1)).toEqual([]);
  });

  it('tells those who wait for one thing of that alone, in the same words as all others', () => {
    const { feed, idOf, put } = world();
    const heard: string[] = [];
    const rows = new Set<object>();
    const listen = (name: string, n?: number) =>
      feed.subscribe(
        'jobs',
        (row) => {
          heard.push(`${name}:${Number(row.key.slice(0, 8))}`);
          rows.add(row);
        },
        n === undefined ? undefined : idOf(n),
      );
    listen('all');
    const leave = listen('first', 1);
    listen('also first', 1);
    listen('second', 2);
    put(1);
    expect(heard.splice(0)).toEqual(['all:1', 'first:1', 'also first:1']);
    expect(rows.size).toBe(1);
    leave();
    leave();
    put(1);
    put(2);
    expect(heard).toEqual(['all:1', 'also first:1', 'all:2', 'second:2']);
  });

  it('has a name that is of this head and this life alone, and forgets what was replaced', () => {
    const { feed, telling, put } = world();
    expect(feed.name).toBe(`h1.${NOW}`);
    put(1);
    const before = feed.revision;
    telling.replaced();
    expect(feed.since('jobs', { id: '', owner: '' }, before)).toBeUndefined();
    expect(feed.since('jobs', { id: '', owner: '' }, feed.revision)).toBeUndefined();
    put(2);
    expect([...(feed.since('jobs', { id: '', owner: '' }, feed.revision) ?? [])]).toHaveLength(1);
  });
});
