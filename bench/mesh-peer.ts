import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Packr, Unpackr } from 'msgpackr';
import { WebSocket, WebSocketServer } from 'ws';
import { readCredentials } from '../src/platform/credentials.ts';
import { dialMesh } from '../src/platform/dial.ts';
import type { Link } from '../src/platform/link.ts';
import { listenMesh } from '../src/platform/mesh.ts';
import { type Envelope, FRAMES, MESSAGES_A_FRAME, message, PINGS } from './mesh-load.ts';
import { percentile } from './rounds.ts';

/** One of the two processes of a run. */
export type Part = {
  readonly kind: 'ours' | 'bare';
  readonly does: 'receive' | 'send';
  readonly pem: { readonly key: string; readonly certificate: string; readonly chain: string };
  /** Of the receiver; the sender alone needs it. */
  readonly port: number;
};

/** What the two sides differ in: how bytes get from here to there. */
type Pipe = {
  send(frame: Uint8Array): void;
  waiting(): number;
  onFrame(handler: (frame: Uint8Array) => void): void;
};

/** Frames that wait in the sender before it lets the loop turn. */
const JAM_BYTES = 1 << 20;

/** The same packer on both sides, with the structures that a stream learns as it goes. */
const packer = new Packr({ sequential: true });
const unpacker = new Unpackr({ sequential: true });

function receive(pipe: Pipe): void {
  let heard = 0;
  pipe.onFrame((frame) => {
    const messages = unpacker.unpack(frame as Buffer) as Envelope[];
    heard += messages.length;
    const last = messages.at(-1)!;
    // A ping is answered, and so is the end of a flood, by how many came.
    if (messages.length === 1 || last.last) pipe.send(packer.pack([message(heard)]));
    if (last.last) heard = 0;
  });
}

async function measure(pipe: Pipe): Promise<Record<string, number>> {
  let answered: (messages: Envelope[]) => void = () => {};
  pipe.onFrame((frame) => answered(unpacker.unpack(frame as Buffer) as Envelope[]));
  const answer = () =>
    new Promise<Envelope[]>((resolve) => {
      answered = resolve;
    });
  const flood = async (frames: number) => {
    const done = answer();
    const from = performance.now();
    for (let n = 1; n <= frames; n++) {
      const batch = Array.from({ length: MESSAGES_A_FRAME }, (_, at) => message(at));
      if (n === frames) batch[MESSAGES_A_FRAME - 1] = message(0, true);
      pipe.send(packer.pack(batch));
      while (pipe.waiting() > JAM_BYTES) await new Promise(setImmediate);
    }
    const [reply] = await done;
    if (Number(reply?.ask) % (frames * MESSAGES_A_FRAME) !== 0)
      throw new Error(`${reply?.ask} of ${frames * MESSAGES_A_FRAME} messages came`);
    return (frames / (performance.now() - from)) * 1000;
  };
  await flood(FRAMES / 10);
  const framesPerSecond = await flood(FRAMES);
  const times: number[] = [];
  for (let n = 0; n < PINGS; n++) {
    const back = answer();
    const from = performance.now();
    pipe.send(packer.pack([message(n)]));
    await back;
    times.push((performance.now() - from) * 1000);
  }
  return {
    frames: framesPerSecond,
    messages: framesPerSecond * MESSAGES_A_FRAME,
    ping_p50: percentile(times, 0.5),
  };
}

const linkPipe = (link: Link): Pipe => ({
  send(frame) {
    if (!link.send(frame)) throw new Error('the outbox is full');
  },
  waiting: () => link.bufferedBytes,
  onFrame: (handler) => link.onFrame(handler),
});

const socketPipe = (ws: WebSocket): Pipe => ({
  send: (frame) => ws.send(frame),
  waiting: () => ws.bufferedAmount,
  onFrame: (handler) => void ws.on('message', (frame) => handler(frame as Buffer)),
});

async function listen({ kind, pem }: Part): Promise<number> {
  if (kind === 'ours') {
    const listening = await listenMesh({
      host: '127.0.0.1',
      port: 0,
      credentials: readCredentials(pem),
      admit: () => undefined,
      onLink: (link) => receive(linkPipe(link)),
      onJoin: () => Promise.reject(new Error('nobody joins')),
    });
    return listening.port;
  }
  const server = createServer({
    key: pem.key,
    cert: pem.certificate,
    ca: pem.chain,
    requestCert: true,
    minVersion: 'TLSv1.3',
  });
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws) => {
    receive(socketPipe(ws));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dial({ kind, pem, port }: Part): Promise<Pipe> {
  if (kind === 'ours') {
    const credentials = readCredentials(pem);
    const address = `127.0.0.1:${port}`;
    const dialled = { address, credentials, expectRole: 'head', purpose: 'messages' } as const;
    return linkPipe(await dialMesh(dialled));
  }
  const ws = new WebSocket(`wss://127.0.0.1:${port}`, {
    key: pem.key,
    cert: pem.certificate,
    ca: pem.chain,
    perMessageDeflate: false,
    generateMask: () => {},
  });
  await once(ws, 'open');
  return socketPipe(ws);
}

process.once('message', async (part: Part) => {
  if (part.does === 'receive') process.send!({ port: await listen(part) });
  else process.send!(await measure(await dial(part)));
});
