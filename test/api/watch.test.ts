import { describe, expect, it } from 'vitest';
import { serveWatch } from '../../src/api/watch.ts';
import { type Client, connect } from '../../src/client/client.ts';
import type { WatchOptions } from '../../src/client/watch.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Watched, WatchRow } from '../../src/protocol/watch-row.ts';
import { memoryFeed } from '../client/feed.ts';
import { head } from '../client/head.ts';
import { pipe, until, user } from '../client/pipe.ts';

function world(operator = false, isAdmin = (_: string, __: string): boolean => false) {
  const made = memoryFeed();
  const door = head({
    play: () => undefined,
    operator,
    serve: (hub) => hub.serve('watch', serveWatch(made.feed, isAdmin)),
  });
  const network = pipe(door.take);
  const client = connect({ open: network.open, callMs: 2_000 });
  return { ...made, made, network, client };
}

/** Reads rows as they come, and keeps them. */
function watching(client: Client, what: Watched, wanted?: WatchOptions) {
  const rows: WatchRow[] = [];
  const failures: unknown[] = [];
  const watch = client.watch(what, wanted);
  const reading = (async () => {
    for await (const row of watch) rows.push(row);
  })().catch((error: unknown) => failures.push(error));
  return { rows, failures, reading, watch };
}

const short = (rows: readonly WatchRow[]) =>
  rows.map(({ key, row }) => `${key || 'whole'}${row === null ? '' : `=${JSON.stringify(row)}`}`);

describe('a watch', () => {
  it('tells all that is there, then that this was all, then what changes', async () => {
    const { client, put } = world();
    put('nodes', 'a', { up: 1 });
    put('nodes', 'b', { up: 2 });
    put('clusters', 'c', { up: 3 });
    const { rows } = watching(client, 'nodes');
    await until(() => rows.length === 3, 'the snapshot');
    put('nodes', 'a', { up: 4 });
    put('clusters', 'c', { up: 5 });
    put('nodes', 'b', null);
    await until(() => rows.length === 5, 'the changes');
    expect(short(rows)).toEqual(['a={"up":1}', 'b={"up":2}', 'whole', 'a={"up":4}', 'b']);
    expect(rows.map(({ revision }) => revision)).toEqual([3, 3, 3, 4, 6]);
    client.close();
  });

  it('shows admins of an account its jobs, as long as they are, and no others', async () => {
    let accounts = ['lab'];
    const { client, put } = world(
      false,
      (id, account) => id === user.id && accounts.includes(account),
    );
    const whole = '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6';
    const job = (account: string, n = 1) => ({ account, n });
    put('jobs', whole, job('lab'), 'somebody');
    put('jobs', 'b', job('other'), 'somebody');
    put('jobs', 'mine', job('other'), user.id);
    const of = (wanted?: WatchOptions) => watching(client, 'jobs', wanted).rows;
    const [lab, other, own, one, none] = [
      of({ account: 'lab' }),
      of({ account: 'other' }),
      of(),
      of({ id: whole }),
      of({ id: whole.replace('0', '1') }),
    ];
    const ends = [lab, other, own, one, none];
    await until(() => ends.every((rows) => rows.some(({ key }) => key === '')), 'the snapshots');
    put('jobs', whole, job('lab', 2), 'somebody');
    put('jobs', 'c', job('lab'), 'somebody');
    put('jobs', 'c', null);
    accounts = [];
    put('jobs', whole, job('lab', 3), 'somebody');
    put('jobs', 'mine', job('other', 2), user.id);
    await until(() => own.length === 3 && other.length === 3, 'the last change');
    const [first, second] = [1, 2].map((n) => `${whole}=${JSON.stringify(job('lab', n))}`);
    const mine = [1, 2].map((n) => `mine=${JSON.stringify(job('other', n))}`);
    expect(short(lab)).toEqual([first, 'whole', second, 'c={"account":"lab","n":1}', 'c']);
    expect(short(one)).toEqual([first, 'whole', second]);
    for (const rows of [other, own]) expect(short(rows)).toEqual([mine[0], 'whole', mine[1]]);
    expect(short(none)).toEqual(['whole']);
    client.close();
  });

  it('shows users their own jobs, from the first to the last', async () => {
    const { client, put } = world();
    put('jobs', 'mine', { n: 1 }, user.id);
    put('jobs', 'theirs', { n: 2 }, 'somebody');
    const { rows } = watching(client, 'jobs');
    await until(() => rows.length === 2, 'the snapshot');
    put('jobs', 'theirs', { n: 3 }, 'somebody');
    put('jobs', 'theirs', null);
    put('jobs', 'mine', { n: 4 }, user.id);
    put('jobs', 'mine', null);
    put('jobs', 'last', { n: 5 }, user.id);
    await until(() => rows.at(-1)?.key === 'last', 'the changes');
    expect(short(rows).filter((text) => text.startsWith('theirs'))).toEqual([]);
    expect(short(rows).slice(0, 2)).toEqual(['mine={"n":1}', 'whole']);
    expect(short(rows)).toContain('mine');
    client.close();
  });

  it('refuses the jobs of others, and tells operators of all', async () => {
    const users = world();
    const refused = watching(users.client, 'jobs', { owner: 'somebody' });
    await refused.reading;
    expect(refused.failures).toMatchObject([{ failure: { code: 'forbidden' } }]);
    users.client.close();

    const { client, put } = world(true);
    put('jobs', 'one', { n: 1 }, 'a');
    put('jobs', 'two', { n: 2 }, 'b');
    const all = watching(client, 'jobs');
    const some = watching(client, 'jobs', { owner: 'b' });
    const named = watching(client, 'jobs', { id: 'on' });
    await until(() => all.rows.length + some.rows.length + named.rows.length === 7, 'all rows');
    expect(short(some.rows)).toEqual(['two={"n":2}', 'whole']);
    expect(short(named.rows)).toEqual(['one={"n":1}', 'whole']);
    client.close();
  });

  it('says what it can tell when asked for something else', async () => {
    const { client } = world();
    const { reading, failures } = watching(client, 'secrets' as Watched);
    await reading;
    expect(failures[0]).toBeInstanceOf(Failed);
    expect(failures).toMatchObject([{ failure: { code: 'malformed' } }]);
    client.close();
  });

  it('stops listening when the reader leaves, or its terminal goes', async () => {
    const { client, put, made, network } = world();
    put('nodes', 'a', { up: 1 });
    for await (const { key } of client.watch('nodes')) if (key === '') break;
    await until(() => made.listeners === 0, 'the feed left');
    const { rows } = watching(client, 'nodes');
    await until(() => rows.length === 2, 'the snapshot');
    expect(made.listeners).toBe(1);
    client.close();
    network.cut();
    await until(() => made.listeners === 0, 'the feed left again');
  });

  it('keeps only the newest of what changes faster than it is read', async () => {
    const { client, put } = world();
    const pad = 'x'.repeat(10_000);
    const watch = client.watch('nodes');
    expect((await watch.next()).value).toMatchObject({ key: '' });
    for (let n = 1; n <= 2_000; n += 1) {
      put('nodes', `node-${n % 3}`, { n, pad });
      if (n % 50 === 0) await new Promise((later) => setTimeout(later, 0));
    }
    const seen: number[] = [];
    for await (const { row } of watch) {
      const { n } = row as { readonly n: number };
      seen.push(n);
      if (n === 2_000) break;
    }
    expect(seen.length).toBeLessThan(1_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen).toContain(1_998);
    expect(seen).toContain(1_999);
    client.close();
  });

  it('tells changes in the order of their commits', async () => {
    const { client, put } = world();
    const watch = client.watch('nodes');
    await watch.next();
    const pad = 'x'.repeat(2_000_000);
    for (const key of ['fills', 'the', 'way']) put('nodes', key, { pad });
    await new Promise((later) => setTimeout(later, 50));
    put('nodes', 'a', { n: 1 });
    put('nodes', 'b', { n: 2 });
    put('nodes', 'a', { n: 3 });
    const keys: string[] = [];
    const revisions: number[] = [];
    for await (const { key, revision } of watch) {
      keys.push(key);
      revisions.push(revision);
      if (revision === 6) break;
    }
    expect(keys).toEqual(['fills', 'the', 'way', 'b', 'a']);
    expect(revisions).toEqual([1, 2, 3, 5, 6]);
    client.close();
  });

  it('begins anew when too many changes wait', async () => {
    const { client, put, made } = world();
    const pad = 'x'.repeat(3_000);
    const watch = client.watch('nodes');
    await watch.next();
    for (let n = 0; n <= limits.watchRowsMax + 2_000; n += 1) put('nodes', `node-${n}`, { n, pad });
    await until(() => made.listeners === 0, 'the watch ended');
    const last = `node-${limits.watchRowsMax + 2_000}`;
    const seen = new Set<string>();
    for await (const { key } of watch) {
      seen.add(key);
      if (key === last) break;
    }
    expect(seen.size).toBe(limits.watchRowsMax + 2_001);
    client.close();
  });

  it('lets one link watch few lists, but any number of jobs by their ids', async () => {
    const { client } = world();
    const lists = Array.from({ length: limits.watchesMax }, () => watching(client, 'nodes'));
    await until(() => lists.every(({ rows }) => rows.length === 1), 'all lists');
    const refused = watching(client, 'nodes');
    await refused.reading;
    expect(refused.failures).toMatchObject([{ failure: { code: 'refused' } }]);
    const id = '00000000-0000-4000-8000-000000000000';
    const one = watching(client, 'jobs', { id });
    await until(() => one.rows.length === 1, 'one job');
    client.close();
  });

  it('gives others a turn while it reads a long list', async () => {
    const { client, put } = world();
    const count = limits.watchRowsPerTurn * 20;
    for (let n = 0; n < count; n += 1) put('nodes', `n${n}`, {});
    const { rows } = watching(client, 'nodes');
    await until(() => rows.length > 0, 'the first row');
    expect(rows.length).toBeLessThan(count);
    await until(() => rows.length === count + 1, 'all of them');
    expect(new Set(rows.map(({ key }) => key)).size).toBe(count + 1);
    client.close();
  });
});
