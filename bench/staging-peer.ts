import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { openBlobs } from '../src/platform/blobs.ts';
import { readCredentials } from '../src/platform/credentials.ts';
import { dialMesh } from '../src/platform/dial.ts';
import { listenMesh } from '../src/platform/mesh.ts';
import { streamHub } from '../src/platform/streams.ts';
import { fetchBlob, serveBlobs } from '../src/platform/transfer.ts';

/** The head has the file; the worker fetches it into a folder of its own and checks its sum. */
export type Part = {
  readonly kind: 'ours' | 'bare';
  readonly does: 'head' | 'worker';
  readonly pem: { readonly key: string; readonly certificate: string; readonly chain: string };
  readonly folder: string;
  readonly blob: { readonly sha256: string; readonly bytes: number };
  /** Of the head; the worker alone needs it. */
  readonly port: number;
};

export type Said = { readonly port?: number; readonly seconds?: number };

const host = '127.0.0.1';

async function ourHead({ pem, folder }: Part): Promise<Said> {
  const serve = serveBlobs(await openBlobs(folder), () => undefined);
  const { port } = await listenMesh({
    host,
    port: 0,
    credentials: readCredentials(pem),
    admit: () => undefined,
    onLink(link) {
      const hub = streamHub({ who: { door: 'worker', id: 'w1' } });
      serve(hub);
      hub.attach(link);
    },
    onJoin: () => Promise.reject(new Error('nobody joins')),
  });
  return { port };
}

async function ourWorker({ pem, folder, blob, port }: Part): Promise<Said> {
  const blobs = await openBlobs(folder);
  const hub = streamHub({ who: { door: 'head', id: 'h1' } });
  const credentials = readCredentials(pem);
  const address = `${host}:${port}`;
  hub.attach(await dialMesh({ address, credentials, expectRole: 'head', purpose: 'bulk' }));
  const from = performance.now();
  await fetchBlob(hub, blobs, blob, () => {}, new AbortController().signal);
  return { seconds: (performance.now() - from) / 1000 };
}

async function bareHead({ pem, folder, blob }: Part): Promise<Said> {
  const { key, certificate: cert, chain: ca } = pem;
  const path = (await openBlobs(folder)).path(blob.sha256);
  const server = createServer(
    { key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' },
    (socket) => createReadStream(path, { highWaterMark: 128 << 10 }).pipe(socket),
  );
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port };
}

async function bareWorker({ pem, folder, blob, port }: Part): Promise<Said> {
  const { key, certificate: cert, chain: ca } = pem;
  const socket = connect({ host, port, key, cert, ca });
  await once(socket, 'secureConnect');
  const from = performance.now();
  const file = await open(join(folder, 'bare'), 'w');
  const hash = createHash('sha256');
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    hash.update(chunk);
    await file.write(chunk);
  }
  if (hash.digest('hex') !== blob.sha256) throw new Error('it arrived wrong');
  await file.sync();
  await file.close();
  return { seconds: (performance.now() - from) / 1000 };
}

const plays = {
  ours: { head: ourHead, worker: ourWorker },
  bare: { head: bareHead, worker: bareWorker },
};

process.once('message', async (part: Part) => {
  process.send?.(await plays[part.kind][part.does](part));
});
process.once('disconnect', () => process.exit());
