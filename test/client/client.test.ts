import { afterEach, describe, expect, it } from 'vitest';
import { type Client, type ClientOptions, connect } from '../../src/client/client.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { head, type Play, refusal } from './head.ts';
import { pipe, until, user } from './pipe.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const me = { id: user.id, operator: false };
const clients: Client[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function world(play: Play, options: Partial<ClientOptions> = {}) {
  const door = head({ play });
  const network = pipe(door.take);
  const states: string[] = [];
  const client = connect({
    open: network.open,
    onState: (up, why) => states.push(up ? 'up' : why),
    ...options,
  });
  clients.push(client);
  return { ...door, network, client, states };
}

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

describe('a client', () => {
  it('connects when it is first used, once', async () => {
    const { client, network, states } = world(() => me);
    expect(network.links).toHaveLength(0);
    const many = Array.from({ length: 100 }, () => client.call('user.show', {}));
    expect(await Promise.all(many)).toEqual(many.map(() => me));
    expect(network.links).toHaveLength(1);
    expect(states).toEqual(['up']);
  });

  it('gives each call its own answer', async () => {
    const { client } = world(({ message }) => ({ ...message.body, run: 1 }));
    const ids = Array.from(
      { length: 50 },
      (_, at) => `${String(at).padStart(8, '0')}${id.slice(8)}`,
    );
    const answers = await Promise.all(ids.map((each) => client.call('job.requeue', { id: each })));
    expect(answers.map((answer) => answer.id)).toEqual(ids);
  });

  it('throws what the other side refused, at once', async () => {
    const { client, told } = world(() => refusal('forbidden', 'not yours'));
    const why = await failureOf(client.call('job.show', { id }));
    expect(why).toEqual({ code: 'forbidden', text: 'not yours', retry: false });
    expect(told).toHaveLength(1);
  });

  it('asks again after a passing failure, within its deadline', async () => {
    let refusals = 2;
    const { client, told } = world(() => (refusals-- > 0 ? refusal('busy', 'wait') : me));
    expect(await client.call('user.show', {})).toEqual(me);
    expect(told).toHaveLength(3);
    refusals = Number.POSITIVE_INFINITY;
    const why = await failureOf(client.call('user.show', {}, { ms: 400 }));
    expect(why.code).toBe('busy');
  });

  it('asks again over a new connection when the old one is lost, with the same key', async () => {
    let silent = true;
    const { client, network, told, states } = world(() => (silent ? undefined : { id }));
    const submitted = client.call('job.submit', { script: 'true', inputs: [] });
    await until(() => told.length === 1, 'the first try');
    silent = false;
    network.cut();
    expect(await submitted).toEqual({ id });
    const keys = told.map(({ message }) => (message.body as Body<'job.submit'>).key);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(states).toEqual(['up', 'reset', 'up']);
    await client.call('job.submit', { script: 'true', inputs: [], key: 'mine' });
    expect(told.at(-1)?.message.body).toMatchObject({ key: 'mine' });
    await client.call('job.submit', { script: 'true', inputs: [] });
    expect(told.at(-1)?.message.body).not.toMatchObject({ key: keys[0] });
  });

  it('does not say twice what twice is not the same as once', async () => {
    const { client, network, told } = world(() => undefined);
    const requeued = failureOf(client.call('job.requeue', { id }));
    await until(() => told.length === 1, 'the only try');
    network.cut();
    expect((await requeued).code).toBe('unknown_outcome');
    expect(told).toHaveLength(1);
  });

  it('keeps trying to connect, and then says why it could not', async () => {
    const { client, network } = world(() => me, { connectMs: 600 });
    network.refuse = new Failed('unreachable', 'nobody listens');
    const first = client.call('user.show', {});
    setTimeout(() => {
      network.refuse = undefined;
    }, 150);
    expect(await first).toEqual(me);
    network.refuse = new Failed('unreachable', 'nobody listens');
    network.cut();
    const why = await failureOf(client.call('user.show', {}));
    expect(why).toMatchObject({ code: 'unreachable', text: 'nobody listens' });
  });

  it('gives up at once where trying again is hopeless', async () => {
    const { client, network } = world(() => me);
    network.refuse = new Failed('unauthorized', 'who are you?');
    const since = Date.now();
    const calls = [1, 2, 3].map(() => failureOf(client.call('user.show', {})));
    for (const why of await Promise.all(calls)) expect(why.code).toBe('unauthorized');
    expect(Date.now() - since).toBeLessThan(5_000);
  });

  it('waits no longer than it was told to', async () => {
    const { client, told } = world(() => undefined);
    const why = await failureOf(client.call('user.show', {}, { ms: 150 }));
    expect(why.code).toBe('timeout');
    expect(told).toHaveLength(1);
  });

  it('fails what waits when it is closed, and everything after', async () => {
    const { client, told } = world(() => undefined);
    const waiting = failureOf(client.call('job.requeue', { id }));
    await until(() => told.length === 1, 'a call under way');
    client.close();
    expect((await waiting).code).toBe('unknown_outcome');
    expect((await failureOf(client.call('user.show', {}))).code).toBe('stopping');
  });

  it('splits itself over frames when much is said at once', async () => {
    const { client, told } = world(({ message }) => ({ ...message.body, run: 1 }));
    const all = Array.from({ length: 1_000 }, () => client.call('job.requeue', { id }));
    await Promise.all(all);
    expect(told).toHaveLength(1_000);
  });
});
