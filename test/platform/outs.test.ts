import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OutOrder } from '../../src/actors/ways.ts';
import { connected } from '../../src/platform/job-port.ts';
import { type OutsOptions, openOuts, type WorkerOuts } from '../../src/platform/outs.ts';
import { relay } from '../../src/platform/relay.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { freePort } from './free-port.ts';
import { type HubPair, hubPair } from './hub-pair.ts';
import { dialled, gone, sha } from './sockets.ts';
import { until } from './wait.ts';

const ADDRESS = '127.89.0.1';
const isRoot = process.geteuid?.() === 0;
let pair: HubPair;
let all: WorkerOuts[];
let servers: Server[];
let sockets: Socket[];

beforeEach(() => {
  pair = hubPair();
  all = [];
  servers = [];
  sockets = [];
});
afterEach(async () => {
  for (const outs of all) await outs.closeAll();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((done) => server.close(done));
  pair.end();
});

function opened(change: Partial<OutsOptions> = {}): WorkerOuts {
  const outs = openOuts({
    address: ADDRESS,
    lead: (wish) => pair.worker.open('port.out', wish),
    isThere: async () => false,
    uidOf: async () => undefined,
    ...change,
  });
  all.push(outs);
  return outs;
}

/** Where the head leads to: a server of the submitter's own. */
async function submitter(then: (socket: Socket) => void): Promise<object[]> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    then(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const wishes: object[] = [];
  pair.head.serve('port.out', async ({ body, stream, accept }) => {
    wishes.push(body as object);
    const socket = await connected({ host: '127.0.0.1', port });
    accept();
    await relay(stream, socket);
  });
  return wishes;
}

async function ordered(outs: WorkerOuts): Promise<{ order: OutOrder; port: number }> {
  const port = await freePort();
  const key = { job: 'j1', attempt: 2, rank: 1 };
  const to = { host: 'hub', submitter: '', head: '' };
  const order = { key, ports: [port], to, user: 'ann' };
  await outs.open(order);
  return { order, port };
}

function dial(port: number): Socket {
  const socket = dialled(ADDRESS, port);
  sockets.push(socket);
  return socket;
}

test('a job reaches its submitter, over links that are cut', async () => {
  const wishes = await submitter((socket) => void socket.pipe(socket));
  const { order, port } = await ordered(opened());
  const bytes = randomBytes(10 << 20);
  const socket = dial(port);
  const echo = buffer(socket);
  const cutting = setInterval(() => pair.relink(), 10);
  socket.end(bytes);
  const got = await echo;
  clearInterval(cutting);
  expect(sha(got)).toBe(sha(bytes));
  expect(wishes).toEqual([{ ...order.key, port, at: ADDRESS, network: expect.any(String) }]);
  await until('nothing is left', () => pair.head.size + pair.worker.size === 0);
});

test('its ports are closed with it, to those who are there too', async () => {
  await submitter((socket) => void socket.write('hello'));
  const outs = opened();
  const { order, port } = await ordered(outs);
  await outs.open(order);
  const socket = dial(port);
  expect(String(await once(socket, 'data'))).toBe('hello');
  await outs.close({ ...order.key, rank: 0 });
  expect(socket.destroyed).toBe(false);
  await outs.close(order.key);
  expect(await gone(socket)).toBe('ECONNRESET');
  expect(await gone(dial(port))).toBe('ECONNREFUSED');
  await until('the submitter heard of it', () => sockets.every(({ closed }) => closed));
  await outs.open(order);
  expect(String(await once(dial(port), 'data'))).toBe('hello');
});

test('what the head refuses is reset', async () => {
  pair.head.serve('port.out', async () => {
    throw new Failed('forbidden', 'not there');
  });
  const { port } = await ordered(opened());
  expect(await gone(dial(port))).toBe('ECONNRESET');
});

test('two jobs do not have one port, and who has it is told', async () => {
  const outs = opened();
  const { order, port } = await ordered(outs);
  const other = { ...order, key: { ...order.key, job: 'j2' }, ports: [await freePort(), port] };
  const error = (await outs.open(other).catch((reason: unknown) => reason)) as Failed;
  expect(error.failure).toMatchObject({ code: 'port_busy', retry: true });
  expect(error.failure.text).toMatch(
    new RegExp(`^Port ${port} on ${ADDRESS} is held by .* \\(pid ${process.pid}\\)\\.$`),
  );
  // Nothing of it is left.
  expect(await gone(dial(other.ports[0] as number))).toBe('ECONNREFUSED');
});

test('nothing is listened on where all is in its place', async () => {
  const { port } = await ordered(opened({ isThere: async ({ host }) => host === 'hub' }));
  expect(await gone(dial(port))).toBe('ECONNREFUSED');
});

test.runIf(isRoot)('another account is not let out', async () => {
  await submitter((socket) => void socket.end('hello'));
  const { port } = await ordered(opened({ uidOf: async (user) => (user === 'ann' ? 65_534 : 0) }));
  expect(await as(65_534, port)).toBe('hello');
  expect(await as(2, port)).toBe('');
  expect(await as(0, port)).toBe('');
});

/** What an account is told at a port. */
async function as(uid: number, port: number): Promise<string> {
  const script = [
    'use Socket; socket my $s, PF_INET, SOCK_STREAM, 0;',
    `connect $s, sockaddr_in(${port}, inet_aton("${ADDRESS}")) or die;`,
    'print while <$s>;',
  ];
  const child: ChildProcess = spawn('perl', ['-e', script.join('')], {
    uid,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return String(await buffer(child.stdout as NonNullable<typeof child.stdout>));
}
