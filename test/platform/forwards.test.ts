import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ForwardOrder } from '../../src/actors/ways.ts';
import { type HeadForwards, openForwards } from '../../src/platform/forwards.ts';
import { serveForwards } from '../../src/platform/job-port.ts';
import type { Hub } from '../../src/platform/streams.ts';
import { freePort } from './free-port.ts';
import { type HubPair, hubPair } from './hub-pair.ts';
import { dialled, gone, sha } from './sockets.ts';
import { until } from './wait.ts';

const pool = '127.88.0.0/16';
let pair: HubPair;
let forwards: HeadForwards;
/** Node `w1` is at the other end of the pair, which is called `head` there. */
let hubs: Map<string, Hub>;
let servers: Server[];
let clients: Socket[];
/** Where jobs listen, by `job:port`. */
let listening: Map<string, number>;

beforeEach(() => {
  pair = hubPair();
  hubs = new Map([['w1', pair.worker]]);
  servers = [];
  clients = [];
  listening = new Map();
  forwards = openForwards({ pool, hubOf: (node) => hubs.get(node) });
  serveForwards(pair.head, resolve, 400);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await forwards.closeAll();
  for (const server of servers) await new Promise((done) => server.close(done));
  pair.end();
});

const resolve = (job: string, port: number) => {
  const found = listening.get(`${job}:${port}`);
  return found === undefined ? undefined : { host: '127.0.0.1', port: found };
};

/** A job's own server; returns its port. */
async function serve(then: (socket: Socket) => void, port = 0): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.push(socket);
    socket.on('error', () => {});
    then(socket);
  });
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function forwarded(then: (socket: Socket) => void): Promise<ForwardOrder> {
  const port = await freePort();
  const order = { job: 'j1', alias: '', ports: [port], node: 'w1', address: '127.0.0.1' };
  listening.set(`j1:${port}`, await serve(then));
  const alias = await forwards.free(order.ports, []);
  await forwards.open({ ...order, alias });
  return { ...order, alias };
}

function dial({ alias, ports }: ForwardOrder): Socket {
  const socket = dialled(alias, ports[0] as number);
  clients.push(socket);
  return socket;
}

test('a connection to the alias reaches the job, and each side ends for itself', async () => {
  const heard: string[] = [];
  const order = await forwarded(async (socket) => {
    heard.push(String(await buffer(socket)));
    socket.end('the whole answer');
  });
  expect(order.alias).toMatch(/^127\.88\./);
  const socket = dial(order);
  socket.write('a question ');
  socket.end('in two parts');
  expect(String(await buffer(socket))).toBe('the whole answer');
  expect(heard).toEqual(['a question in two parts']);
  await until('nothing is left', () => pair.head.size + pair.worker.size === 0);
});

test('many bytes go both ways at once, over links that are cut', async () => {
  const order = await forwarded((socket) => socket.pipe(socket));
  const bytes = randomBytes(10 << 20);
  const socket = dial(order);
  const echo = buffer(socket);
  const cutting = setInterval(() => pair.relink(), 10);
  socket.end(bytes);
  const got = await echo;
  clearInterval(cutting);
  expect(sha(got)).toBe(sha(bytes));
});

test('a reader that stops holds its sender up', async () => {
  let taken = 0;
  const order = await forwarded((socket) => {
    const piece = Buffer.alloc(64 << 10);
    const write = (): void => {
      do taken += piece.length;
      while (socket.write(piece));
    };
    socket.on('drain', write);
    write();
  });
  const socket = dial(order);
  await once(socket, 'readable');
  let before = -1;
  await until('it stands still', () => {
    const still = before === taken;
    before = taken;
    return still && taken > 1 << 20;
  });
  // Windows and buffers of the path, and those of the system's sockets, but no more.
  expect(taken).toBeLessThan(32 << 20);
});

test('a reset goes through, both ways', async () => {
  const sockets: Socket[] = [];
  const order = await forwarded((socket) => {
    sockets.push(socket);
    socket.resume();
  });
  const first = dial(order);
  await until('the job has it', () => sockets.length === 1);
  first.resetAndDestroy();
  expect(await gone(sockets[0] as Socket)).toBe('ECONNRESET');
  const second = dial(order);
  second.resume();
  await until('the job has that too', () => sockets.length === 2);
  sockets[1]?.resetAndDestroy();
  expect(await gone(second)).toBe('ECONNRESET');
});

test('a job that does not listen yet is waited for, one that never does is not', async () => {
  const port = await freePort();
  const order = { job: 'j1', ports: [port], node: 'w1', address: '127.0.0.1' };
  const alias = await forwards.free([port], []);
  await forwards.open({ ...order, alias });
  listening.set(`j1:${port}`, port);
  const early = dial({ ...order, alias });
  early.end('hello?');
  await once(early, 'connect');
  await serve((socket) => socket.pipe(socket), port);
  expect(String(await buffer(early))).toBe('hello?');
  await new Promise((done) => servers.pop()?.close(done));
  const late = dial({ ...order, alias });
  late.resume();
  expect(await gone(late)).toBe('ECONNRESET');
  listening.clear();
  const unknown = dial({ ...order, alias });
  unknown.resume();
  expect(await gone(unknown)).toBe('ECONNRESET');
});

test('a node whose link is not there yet is waited for', async () => {
  hubs.clear();
  const order = await forwarded((socket) => socket.end('here'));
  const socket = dial(order);
  await once(socket, 'connect');
  pair.cut();
  hubs.set('w1', pair.worker);
  pair.relink();
  expect(String(await buffer(socket))).toBe('here');
});

test('on a node that is head and worker the job is reached without a stream', async () => {
  forwards = openForwards({ pool, hubOf: () => undefined, here: { node: 'w1', resolve } });
  const order = await forwarded((socket) => socket.pipe(socket));
  const socket = dial(order);
  socket.end('near');
  expect(String(await buffer(socket))).toBe('near');
});

test('opening again changes nothing, or only what the order changes', async () => {
  const order = await forwarded((socket) => socket.pipe(socket));
  const socket = dial(order);
  await once(socket, 'connect');
  await Promise.all([forwards.open(order), forwards.open(order)]);
  socket.write('still');
  expect(String((await once(socket, 'data'))[0])).toBe('still');
  // The next attempt runs on another node, with one more port.
  const second = await freePort();
  const other = hubPair();
  try {
    hubs.set('w2', other.worker);
    serveForwards(other.head, () => ({ host: '127.0.0.1', port: here }));
    const here = await serve((it) => it.end('second node'));
    await forwards.open({ ...order, node: 'w2', ports: [...order.ports, second] });
    for (const port of [...order.ports, second])
      expect(String(await buffer(dial({ ...order, ports: [port] })))).toBe('second node');
    await forwards.open({ ...order, node: 'w2', ports: [second] });
    expect(await gone(dial(order))).toBe('ECONNREFUSED');
  } finally {
    other.end();
  }
});

test('closing resets what is open and frees the ports', async () => {
  const order = await forwarded((socket) => socket.resume());
  const socket = dial(order);
  socket.resume();
  await until('it is joined', () => pair.head.size === 1);
  await forwards.close('j1');
  expect(await gone(socket)).toBe('ECONNRESET');
  await forwards.close('j1');
  await forwards.open({ ...order, job: 'j2' });
});
