import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveWatch } from '../../src/api/watch.ts';
import { type Client, connect } from '../../src/client/client.ts';
import type { StreamHandler } from '../../src/platform/streams.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { memoryFeed } from './feed.ts';
import { head, type Play, refusal } from './head.ts';
import { pipe, until } from './pipe.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const clients: Client[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const client of clients.splice(0)) client.close();
});

/** So long a test's links do not notice by themselves that nothing comes. */
const NEVER_MS = 600_000;

/**
 * A client of as many heads as there are plays, each of which answers as its play says. `stopping`
 * serve no watches.
 */
function world(plays: readonly Play[], stopping: readonly number[] = []) {
  const { feed, put } = memoryFeed();
  const going: StreamHandler = () => {
    throw new Failed('stopping', 'going');
  };
  const doors = plays.map((play, at) => {
    const watch = stopping.includes(at) ? going : serveWatch(feed, () => false);
    return head({ play, operator: true, serve: (hub) => hub.serve('watch', watch) });
  });
  const networks = doors.map((door) => pipe(door.take, NEVER_MS));
  const dialled: number[] = [];
  const client = connect({
    open(at) {
      dialled.push(at);
      return networks[at]!.open();
    },
    heads: plays.length,
  });
  clients.push(client);
  return { client, networks, dialled, told: doors.map((door) => door.told), put };
}

const named = (name: string): Play => {
  return () => ({ id: name, operator: false });
};
const silent: Play = () => undefined;
const refuses = (...args: Parameters<typeof refusal>): Play => {
  return () => refusal(...args);
};
const submit = { script: 'true', inputs: [] };

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

describe('a client of several heads', () => {
  it('speaks to one, as long as that one answers', async () => {
    const { client, dialled } = world([named('a'), named('b'), named('c')]);
    for (let at = 0; at < 20; at += 1) expect((await client.call('user.show', {})).id).toBe('a');
    expect(dialled).toEqual([0]);
  });

  it('asks one again that cannot answer yet, while another never answers', async () => {
    let asked = 0;
    const soon: Play = () =>
      ++asked < 4 ? refusal('unreachable', 'nobody leads now') : { id: 'b', operator: false };
    const { client } = world([silent, soon]);
    const begun = performance.now();
    expect((await client.call('user.show', {}, { ms: 20_000 })).id).toBe('b');
    // Not after the silence of the first was noticed, but as soon as the second can.
    expect(asked).toBe(4);
    expect(performance.now() - begun).toBeLessThan(limits.clientSilentMs);
  });

  it('asks those again that cannot answer yet, when the one asked last never answers', async () => {
    let asked = 0;
    const soon: Play = () =>
      ++asked < 4 ? refusal('unknown_outcome', 'it leads no more') : { id: 'a', operator: false };
    const { client, dialled } = world([soon, soon, silent]);
    const begun = performance.now();
    expect((await client.call('user.show', {}, { ms: 20_000 })).id).toBe('a');
    expect(dialled).toEqual([0, 1, 2]);
    expect(asked).toBe(4);
    expect(performance.now() - begun).toBeLessThan(limits.clientSilentMs);
  });

  it('dials each once without a pause, and only then the first again', async () => {
    const { client, networks, dialled } = world([named('a'), named('b'), named('c')]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (const network of networks) network.refuse = new Failed('unreachable', 'nobody listens');
    const called = client.call('user.show', {});
    // No timer goes off meanwhile.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((then) => setImmediate(then));
    expect(dialled).toEqual([0, 1, 2]);
    networks[1]!.refuse = undefined;
    vi.useRealTimers();
    clients.pop()?.close();
    expect((await failureOf(called)).code).toBe('stopping');
  });

  it('goes on with the next when one is lost, or does not let it in', async () => {
    const { client, networks, dialled } = world([named('a'), named('b')]);
    networks[0]!.refuse = new Failed('unauthorized', 'who are you?');
    expect((await client.call('user.show', {})).id).toBe('b');
    networks[0]!.refuse = undefined;
    networks[1]!.cut();
    await until(() => dialled.length === 2, 'two dials');
    // A link that was cut is noticed in the turn after.
    await new Promise((then) => setTimeout(then, 10));
    expect((await client.call('user.show', {})).id).toBe('a');
    expect(dialled).toEqual([0, 1, 0]);
  });

  it('gives up at once if it is welcome nowhere', async () => {
    const { client, networks, dialled } = world([named('a'), named('b')]);
    for (const network of networks) network.refuse = new Failed('unauthorized', 'who are you?');
    expect((await failureOf(client.call('user.show', {}))).code).toBe('unauthorized');
    expect(dialled).toEqual([0, 1]);
  });

  it('does not wait for a head that neither answers nor refuses a connection', async () => {
    const { client, networks, dialled } = world([named('a'), named('b')]);
    Object.assign(networks[0]!, { open: () => new Promise(() => {}) });
    expect((await client.call('user.show', {})).id).toBe('b');
    expect(dialled).toEqual([0, 1]);
  });
});

describe('a question that keeps waiting', () => {
  it('is put to a second head with the same key; if that answers, it is the main one', async () => {
    const { client, told, dialled } = world([silent, () => ({ id }), named('c')]);
    expect(await client.call('job.submit', submit)).toEqual({ id });
    expect(told.map((each) => each.length)).toEqual([1, 1, 0]);
    const [first, second] = told.map((each) => each[0]?.message.body as Body<'job.submit'>);
    expect(first?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toEqual(first);
    await client.call('job.submit', submit);
    expect(told.map((each) => each.length)).toEqual([1, 2, 0]);
    expect(dialled).toEqual([0, 1]);
  });

  it('is answered by the first if that one is quicker after all', async () => {
    const { client, told, networks } = world([named('a'), silent]);
    await client.call('user.show', {});
    networks[0]!.links[0]!.hold('near');
    const called = client.call('user.show', {});
    await until(() => told[1]!.length === 1, 'the second to be asked');
    networks[0]!.links[0]!.release('near');
    expect((await called).id).toBe('a');
    expect((await client.call('user.show', {})).id).toBe('a');
    expect(told[1]).toHaveLength(1);
  });

  it.each(['unreachable', 'stopping', 'busy', 'unknown_outcome', 'forbidden'] as const)(
    'is not refused as %s by one if the other answers after all',
    async (code) => {
      const { client, told, networks } = world([named('a'), refuses(code, 'not now')]);
      await client.call('user.show', {});
      networks[0]!.links[0]!.hold('near');
      const called = client.call('user.show', {});
      await until(() => told[1]!.length === 1, 'the second to be asked');
      // So long that the refusal is there.
      for (let turn = 0; turn < 10; turn += 1) await new Promise((then) => setImmediate(then));
      networks[0]!.links[0]!.release('near');
      expect((await called).id).toBe('a');
      // The same question all along: nothing was asked anew.
      expect(told.map((each) => each.length)).toEqual([2, 1]);
    },
  );

  it('is refused for good by the second if nothing comes from the first', async () => {
    const { client, told } = world([silent, refuses('forbidden', 'not yours')]);
    expect((await failureOf(client.call('user.show', {}))).code).toBe('forbidden');
    expect(told.map((each) => each.length)).toEqual([1, 1]);
  });

  it('goes to the next at once when one refuses for now', async () => {
    const { client, told } = world([
      refuses('stopping', 'going'),
      refuses('unreachable', 'no leader'),
      named('c'),
    ]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // Links deliver by timers of no length; a pause of any kind would be longer than this.
    const called = client.call('user.show', {});
    for (let turn = 0; turn < 200 && told[2]!.length === 0; turn += 1) {
      vi.advanceTimersByTime(0);
      await new Promise((then) => setImmediate(then));
    }
    expect(told.map((each) => each.length)).toEqual([1, 1, 1]);
    vi.useRealTimers();
    clients.pop()?.close();
    await called.catch(() => {});
  });

  it('is refused when all refuse until its time is over', async () => {
    const { client, told } = world([refuses('busy', 'full'), refuses('stopping', 'going')]);
    const why = await failureOf(client.call('user.show', {}, { ms: 500 }));
    // On a slow machine its time may be over while one still thinks.
    expect(['busy', 'stopping', 'timeout']).toContain(why.code);
    expect(told[0]!.length).toBeGreaterThan(1);
    expect(told[1]!.length).toBeGreaterThan(1);
  });

  it('is answered by a no that is final, without asking another', async () => {
    const { client, told } = world([refuses('forbidden', 'not yours'), named('b')]);
    expect((await failureOf(client.call('job.show', { id }))).code).toBe('forbidden');
    expect(told[1]).toHaveLength(0);
  });

  it('is asked of the next head when the first is lost under it', async () => {
    const { client, told, networks } = world([silent, () => ({ id })]);
    const called = client.call('job.submit', submit);
    await until(() => told[0]!.length === 1, 'the first try');
    networks[0]!.cut();
    expect(await called).toEqual({ id });
    expect(told[1]![0]?.message).toEqual(told[0]![0]?.message);
  });

  it.each(['job.requeue', 'head.transfer'] as const)('is put once if it is %s', async (name) => {
    const { client, told, networks, dialled } = world([silent, named('b')]);
    const body = name === 'job.requeue' ? { id } : { to: '' };
    const called = failureOf(client.call(name, body as never));
    await until(() => told[0]!.length === 1, 'the only try');
    await new Promise((then) => setTimeout(then, limits.hedgeMs * 1.5));
    expect(dialled).toEqual([0]);
    networks[0]!.cut();
    expect((await called).code).toBe('unknown_outcome');
    expect(told[1]).toHaveLength(0);
    // What comes next goes elsewhere.
    expect((await client.call('user.show', {})).id).toBe('b');
  });

  it('is never put to another if there is none', async () => {
    const { client, told, dialled } = world([silent]);
    expect((await failureOf(client.call('user.show', {}, { ms: 500 }))).code).toBe('timeout');
    expect(told[0]).toHaveLength(1);
    expect(dialled).toEqual([0]);
  });
});

describe('a head that falls silent', () => {
  it('is noticed under a watch, which goes on at another', async () => {
    const { client, networks, put, told } = world([named('a'), named('b')]);
    put('nodes', 'n', { at: 1 });
    const watch = client.watch('nodes');
    const rows = async (count: number) => {
      const read: (object | null | undefined)[] = [];
      for (let at = 0; at < count; at += 1) read.push((await watch.next()).value?.row);
      return read;
    };
    expect(await rows(2)).toEqual([{ at: 1 }, null]);
    networks[0]!.links[0]!.hold('far');
    put('nodes', 'n', { at: 2 });
    expect(await rows(1)).toEqual([{ at: 2 }]);
    expect(networks[1]!.links).toHaveLength(1);
    expect(told[1]).toHaveLength(0);
    await watch.return();
  }, 15_000);

  it('or serves no watch now, is left for the next', async () => {
    const { client, put, dialled } = world([named('a'), named('b')], [0]);
    put('nodes', 'n', { at: 1 });
    const watch = client.watch('nodes');
    expect((await watch.next()).value?.row).toEqual({ at: 1 });
    expect(dialled).toEqual([0, 1]);
    await watch.return();
  });

  it('is not taken for one that has nothing to say', async () => {
    const { client, dialled, put, told } = world([named('a'), named('b')]);
    const watch = client.watch('nodes');
    await watch.next();
    const next = watch.next();
    await until(() => told[0]!.length === 1, 'a look', 10_000);
    put('nodes', 'n', { at: 1 });
    expect((await next).value?.row).toEqual({ at: 1 });
    expect(dialled).toEqual([0]);
    await watch.return();
  }, 15_000);
});
