import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { readCredentials } from '../src/platform/credentials.ts';
import { dialMesh } from '../src/platform/dial.ts';
import { openForwards } from '../src/platform/forwards.ts';
import { serveForwards } from '../src/platform/job-port.ts';
import { listenMesh } from '../src/platform/mesh.ts';
import { type Hub, streamHub } from '../src/platform/streams.ts';

/** One of the two processes between a client and a job. */
export type Part = {
  readonly kind: 'ours' | 'bare';
  readonly does: 'head' | 'worker';
  readonly pem: { readonly key: string; readonly certificate: string; readonly chain: string };
  /** Where the job listens, and where the head does; the worker alone needs them. */
  readonly job: number;
  readonly head: number;
};

/** `mesh`: where the worker dials; `host` and `port`: where clients reach the job. */
export type HeadSaid = { readonly mesh: number; readonly host: string; readonly port: number };

const host = '127.0.0.1';
const noDelay = { allowHalfOpen: true, noDelay: true };

async function ourHead({ pem, job }: Part): Promise<HeadSaid> {
  let hub: Hub | undefined;
  const forwards = openForwards({ pool: '127.78.0.0/16', hubOf: () => hub });
  const listening = await listenMesh({
    host,
    port: 0,
    credentials: readCredentials(pem),
    admit: () => undefined,
    onLink(link) {
      hub = streamHub({ who: { door: 'worker', id: 'w1' } });
      hub.attach(link);
    },
    onJoin: () => Promise.reject(new Error('nobody joins')),
  });
  const alias = await forwards.free([job], []);
  await forwards.open({ job: 'j1', alias, ports: [job], node: 'w1', address: host });
  return { mesh: listening.port, host: alias, port: job };
}

async function ourWorker({ pem, job, head }: Part): Promise<void> {
  const hub = streamHub({ who: { door: 'head', id: 'h1' } });
  serveForwards(hub, () => ({ host, port: job }));
  const credentials = readCredentials(pem);
  const address = `${host}:${head}`;
  hub.attach(await dialMesh({ address, credentials, expectRole: 'head', purpose: 'bulk' }));
}

/** The worker dials a connection ahead for each client, since it listens on nothing. */
async function bareHead({ pem }: Part): Promise<HeadSaid> {
  const { key, certificate: cert, chain: ca } = pem;
  const waiting: Socket[] = [];
  const clients = createServer(noDelay, (client) => {
    const tunnel = waiting.shift();
    if (!tunnel) throw new Error('no tunnel is there');
    join(client, tunnel);
    tunnel.write('!');
  });
  const tunnels = createTlsServer(
    { ...noDelay, key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' },
    (socket) => waiting.push(socket),
  );
  clients.listen(0, host);
  tunnels.listen(0, host);
  await Promise.all([once(clients, 'listening'), once(tunnels, 'listening')]);
  const [mesh, port] = [tunnels, clients].map((it) => (it.address() as AddressInfo).port);
  return { mesh: mesh as number, host, port: port as number };
}

async function bareWorker({ pem, job, head }: Part): Promise<void> {
  const { key, certificate: cert, chain: ca } = pem;
  for (let count = 0; count < 4; count += 1) {
    const tunnel = connectTls({ host, port: head, key, cert, ca, ...noDelay });
    await once(tunnel, 'secureConnect');
    tunnel.once('data', (first: Buffer) => {
      if (first.length > 1) tunnel.unshift(first.subarray(1));
      join(tunnel, connect({ host, port: job, ...noDelay }));
    });
  }
}

function join(one: Socket, two: Socket): void {
  for (const socket of [one, two]) socket.on('error', () => {});
  one.pipe(two);
  two.pipe(one);
}

const plays = {
  ours: { head: ourHead, worker: ourWorker },
  bare: { head: bareHead, worker: bareWorker },
};

process.once('message', async (part: Part) => {
  process.send?.((await plays[part.kind][part.does](part)) ?? {});
});
process.once('disconnect', () => process.exit());
