import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { issue, makeAuthority, makeKey } from '../src/platform/certificates.ts';
import type { Role } from '../src/platform/identity.ts';
import type { HeadSaid, Part } from './forwards-peer.ts';
import { type Measures, percentile, run } from './rounds.ts';

const bytes = 256 << 20;
const warmBytes = 32 << 20;
const pings = 2_000;
const piece = Buffer.alloc(64 << 10, 'forwarded ');

const installation = 'bench';
const authority = await makeAuthority({ installation, name: 'bench' });
const pemFor = async (role: Role, name: string): Promise<Part['pem']> => {
  const key = makeKey();
  const subject = { kind: 'node', role, name, installation, hosts: ['127.0.0.1'] } as const;
  return { key, certificate: await issue(authority, key, subject), chain: authority.certificate };
};
const pem = { head: await pemFor('head', 'h1'), worker: await pemFor('worker', 'w1') };

/** Starts a process, hands it its part and waits until it has taken its place. */
async function play(part: Part, children: ChildProcess[]): Promise<HeadSaid> {
  const child = fork(new URL('./forwards-peer.ts', import.meta.url));
  children.push(child);
  child.send(part);
  return Promise.race([
    once(child, 'message').then(([said]) => said as HeadSaid),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`a peer ended with ${code}`))),
  ]);
}

async function flood(socket: Socket, total: number): Promise<void> {
  for (let sent = 0; sent < total; sent += piece.length)
    if (!socket.write(piece)) await once(socket, 'drain');
}

/** The job: by the first byte of a connection it drinks a flood, makes one, or echoes. */
async function job(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) => {
      socket.unshift(first.subarray(5));
      const [what, total] = [first.toString('latin1', 0, 1), first.readUInt32BE(1)];
      if (what === 'd') flood(socket, total);
      if (what === 'e') socket.on('data', (data) => socket.write(data));
      if (what === 'u') {
        let heard = 0;
        socket.on('data', (data: Buffer) => {
          heard += data.length;
          if (heard === total) socket.write('.');
        });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function dial({ host, port }: HeadSaid, what: string, total = 0): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  const wish = Buffer.alloc(5, what);
  wish.writeUInt32BE(total, 1);
  socket.write(wish);
  return socket;
}

const perSecond = (total: number, from: number): number =>
  total / 1e6 / ((performance.now() - from) / 1000);

async function download(at: HeadSaid): Promise<number> {
  const socket = await dial(at, 'd', bytes + warmBytes);
  let [heard, from] = [0, 0];
  for await (const data of socket) {
    heard += data.length;
    if (from === 0 && heard >= warmBytes) from = performance.now();
    if (heard === bytes + warmBytes) break;
  }
  return perSecond(bytes, from);
}

async function upload(at: HeadSaid): Promise<number> {
  const socket = await dial(at, 'u', bytes + warmBytes);
  await flood(socket, warmBytes);
  const from = performance.now();
  await flood(socket, bytes);
  await once(socket, 'data');
  socket.destroy();
  return perSecond(bytes, from);
}

async function pingPong(at: HeadSaid): Promise<number> {
  const socket = await dial(at, 'e');
  const times: number[] = [];
  const ping = Buffer.alloc(200, 'ping');
  for (let count = 0; count < pings; count += 1) {
    const from = performance.now();
    socket.write(ping);
    await once(socket, 'data');
    times.push((performance.now() - from) * 1000);
  }
  socket.destroy();
  return percentile(times, 0.5);
}

async function measure(kind: Part['kind']): Promise<Measures> {
  const children: ChildProcess[] = [];
  const server = await job();
  try {
    const part = { kind, job: server.port, head: 0 };
    const at = await play({ ...part, does: 'head', pem: pem.head }, children);
    await play({ ...part, does: 'worker', pem: pem.worker, head: at.mesh }, children);
    return {
      download: await download(at),
      upload: await upload(at),
      ping_p50: await pingPong(at),
    };
  } finally {
    server.close();
    for (const child of children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}

await run({
  name: 'forwards',
  units: { download: 'MB/s', upload: 'MB/s', ping_p50: 'µs' },
  setup:
    'a client and a job in one process, the two relays in one each, over loopback; the bare one ' +
    'pipes TCP into a TLS 1.3 connection of its own per client, with certificates on both sides',
  ours: { name: 'swm forwards', run: () => measure('ours') },
  beside: { name: 'bare TCP-TLS-TCP relay', run: () => measure('bare') },
});
