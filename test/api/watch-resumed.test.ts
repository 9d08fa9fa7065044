import { describe, expect, it } from 'vitest';
import { serveWatch } from '../../src/api/watch.ts';
import { connect } from '../../src/client/client.ts';
import type { Watched, WatchRow } from '../../src/protocol/watch-row.ts';
import { memoryFeed } from '../client/feed.ts';
import { head } from '../client/head.ts';
import { pipe, until, user } from '../client/pipe.ts';

/** A watch over a connection that can be cut, and all that was asked for and told. */
function world(what: Watched = 'nodes') {
  const made = memoryFeed();
  const asked: unknown[] = [];
  const answers: object[] = [];
  let feed: Parameters<typeof serveWatch>[0] = made.feed;
  const door = head({
    play: () => undefined,
    serve: (hub) => {
      const handle = serveWatch(feed, () => false);
      hub.serve('watch', (request) => {
        asked.push(request.body);
        const accept: typeof request.accept = (answer = {}, windowBytes) => {
          answers.push(answer);
          request.accept(answer, windowBytes);
        };
        return handle({ ...request, accept });
      });
    },
  });
  const network = pipe(door.take);
  const client = connect({ open: network.open, callMs: 2_000 });
  const rows: WatchRow[] = [];
  const reading = (async () => {
    for await (const row of client.watch(what)) rows.push(row);
  })();
  reading.catch(() => {});
  const shown = () =>
    rows.map(({ key, row }) => `${key || 'whole'}${row === null ? '' : JSON.stringify(row)}`);
  /** Cut it, and let that happen meanwhile. */
  const away = async (meanwhile: () => void): Promise<void> => {
    await until(() => made.listeners === 1, 'the watch');
    rows.length = 0;
    network.cut();
    await until(() => made.listeners === 0, 'the cut');
    meanwhile();
  };
  const others = (name: string): void => {
    const { revision, snapshot, since, subscribe } = made.feed;
    feed = { name, revision, snapshot, since, subscribe };
  };
  return { ...made, made, client, rows, shown, away, asked, answers, others };
}

describe('a watch whose connection was lost', () => {
  it('goes on where it was: nothing comes again but what has changed', async () => {
    const { put, rows, shown, away, asked, answers, client } = world();
    for (let n = 0; n < 100; n++) put('nodes', `n${n}`, { n });
    await until(() => rows.length === 101, 'all of it');
    await away(() => {
      put('nodes', 'n7', { n: 700 });
      put('nodes', 'n8', null);
      put('nodes', 'new', { n: 1 });
      // What came and went is of no interest.
      put('nodes', 'brief', { n: 2 });
      put('nodes', 'brief', null);
    });
    await until(() => rows.length >= 4, 'what changed');
    put('nodes', 'n9', null);
    await until(() => shown().includes('n9'), 'what changes then');
    // The last of what was known comes again: it may have been one of several.
    expect(shown().toSorted()).toEqual(['n7{"n":700}', 'n8', 'n9', 'n99{"n":99}', 'new{"n":1}']);
    expect(asked.at(-1)).toMatchObject({ since: { feed: 'memory', revision: 100 } });
    expect(answers).toEqual([
      { feed: 'memory', resumed: false },
      { feed: 'memory', resumed: true },
    ]);
    client.close();
  });

  it('goes on from the last change, however often it is cut', async () => {
    const { put, rows, shown, away, asked, client } = world();
    await until(() => rows.length === 1, 'that there is nothing');
    for (let n = 1; n <= 3; n++) {
      await away(() => put('nodes', 'n', { n }));
      await until(() => shown().includes(`n{"n":${n}}`), `change ${n}`);
    }
    expect(asked.map((body) => (body as { since?: { revision: number } }).since?.revision)).toEqual(
      [undefined, 0, 1, 2],
    );
    client.close();
  });

  it.each([
    [
      'so much is not known any more',
      (place: ReturnType<typeof world>) => {
        place.made.forgets = 4;
      },
    ],
    ['another head answers', (place: ReturnType<typeof world>) => place.others('another')],
  ])('begins anew where %s, and tells what vanished', async (_, happens) => {
    const place = world();
    const { put, rows, shown, away, answers, client } = place;
    for (const key of ['a', 'b', 'c']) put('nodes', key, {});
    await until(() => rows.length === 4, 'all of it');
    await away(() => {
      put('nodes', 'b', null);
      happens(place);
    });
    await until(() => rows.length === 3, 'all of it again');
    expect(shown()).toEqual(['a{}', 'c{}', 'b']);
    expect(answers.at(-1)).toMatchObject({ resumed: false });
    client.close();
  });

  it('tells users of their own jobs alone', async () => {
    const { put, rows, shown, away, client } = world('jobs');
    put('jobs', 'mine', { n: 1 }, user.id);
    put('jobs', 'theirs', { n: 1 }, 'somebody');
    await until(() => rows.length === 2, 'all of it');
    await away(() => {
      put('jobs', 'theirs', null);
      put('jobs', 'others', { n: 2 }, 'somebody');
      put('jobs', 'mine', null);
    });
    await until(() => rows.length > 0, 'what changed');
    put('jobs', 'last', {}, user.id);
    await until(() => shown().includes('last{}'), 'what changes then');
    expect(shown()).toEqual(['mine', 'last{}']);
    client.close();
  });
});

it('a terminal that says what nobody can have said is refused', async () => {
  const made = memoryFeed();
  const door = head({
    play: () => undefined,
    serve: (hub) =>
      hub.serve(
        'watch',
        serveWatch(made.feed, () => false),
      ),
  });
  const client = connect({ open: pipe(door.take).open, callMs: 2_000 });
  for (const since of [{ feed: 1, revision: 1 }, { feed: 'memory', revision: '1' }, null, 7])
    await expect(client.watch('nodes', { since } as object).next()).rejects.toMatchObject({
      failure: { code: 'malformed' },
    });
  client.close();
});
