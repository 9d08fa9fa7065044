import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HeadForwards, openForwards } from '../../src/platform/forwards.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { freePort } from './free-port.ts';

let forwards: HeadForwards;
let servers: Server[];

beforeEach(() => {
  servers = [];
  forwards = openForwards({ pool: '127.88.0.0/16', hubOf: () => undefined });
});
afterEach(async () => {
  await forwards.closeAll();
  for (const server of servers) await new Promise((done) => server.close(done));
});

/** Somebody's port; returns its number. */
async function held(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function failure(promise: Promise<unknown>): Promise<Failed['failure']> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof Failed) return error.failure;
  throw error ?? new Error('it did not fail');
}

test('aliases are given once, and only where all ports can be bound', async () => {
  const small = openForwards({ pool: '127.88.7.0/30', hubOf: () => undefined });
  const [one, two] = [await freePort(), await freePort()];
  const order = { job: 'j1', ports: [one], node: 'w1', address: '' };
  const usable = ['127.88.7.1', '127.88.7.2', '127.88.7.3'];
  try {
    const given = [await small.free([one], []), await small.free([one], [])];
    expect(new Set(given).size).toBe(2);
    await small.open({ ...order, alias: '127.88.7.2' });
    const others = [...Array(6)].map(() => small.free([two, one], ['127.88.7.1']));
    expect(new Set(await Promise.all(others))).toEqual(new Set(['127.88.7.3']));
    expect(await failure(small.free([one], usable))).toMatchObject({ code: 'port_busy' });
  } finally {
    await small.closeAll();
  }
});

test('a port that somebody holds everywhere is told at once', async () => {
  const port = await held('0.0.0.0');
  const { text } = await failure(forwards.free([port], []));
  expect(text).toMatch(new RegExp(`^Port ${port} on every address is held by .* \\(pid \\d+\\)`));
});

test.each(['127.0.0.1', '0.0.0.0', '127.88.1.0', '127.88.1.256', 'localhost'])(
  'the alias %s is none of the pool',
  async (alias) => {
    const order = { job: 'j1', alias, ports: [await freePort()], node: 'w1', address: '' };
    expect(await failure(forwards.open(order))).toMatchObject({ code: 'refused' });
  },
);

test.each(['127.77.0.0', '127.77.0/16', '300.0.0.0/8', '127.0.0.0/31', '::1/64'])(
  'the pool %s is malformed',
  (text) => {
    expect(() => openForwards({ pool: text, hubOf: () => undefined })).toThrow(/ports\.pool/);
  },
);
