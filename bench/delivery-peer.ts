import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { readCredentials } from '../src/platform/credentials.ts';
import { dialMesh } from '../src/platform/dial.ts';
import type { Link } from '../src/platform/link.ts';
import { listenMesh } from '../src/platform/mesh.ts';
import { limits } from '../src/protocol/limits.ts';
import { bareSpeaker } from './delivery-bare.ts';
import { ourSpeaker } from './delivery-ours.ts';
import { percentile } from './rounds.ts';

/** One of the two processes of a run. The head listens, the worker dials. */
export type Part = {
  readonly kind: 'ours' | 'bare';
  readonly role: 'head' | 'worker';
  readonly pem: { readonly key: string; readonly certificate: string; readonly chain: string };
  /** Of the head; the worker alone needs it. */
  readonly port: number;
};

/** What a process is asked to do, and answers with a number. */
export type Wish = 'tell' | 'ask' | 'ping';

/** What both kinds can do. Messages of a flood count down to 0, which is answered by their sum. */
export type Speaker = {
  /** False: it was not taken, since too much waits. */
  tell(left: number): boolean;
  /** The sum that the other side heard of the flood that is on its way. */
  heard(): Promise<number>;
  ask(then: () => void): void;
};

const TELLS = 400_000;
const ASKS = 100_000;
const IN_FLIGHT = 1_000;
const PINGS = 3_000;
/** Told in a row before the loop turns. */
const BURST = 1_024;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const perSecond = (count: number, from: number): number =>
  (count / (performance.now() - from)) * 1000;

async function tells(speaker: Speaker, count: number): Promise<number> {
  const from = performance.now();
  const heard = speaker.heard();
  for (let left = count - 1; left >= 0; left--) {
    while (!speaker.tell(left)) await turn();
    if (left % BURST === 0) await turn();
  }
  const sum = await heard;
  if (sum !== count) throw new Error(`${sum} of ${count} messages were heard`);
  return perSecond(count, from);
}

async function asks(speaker: Speaker, count: number): Promise<number> {
  const from = performance.now();
  await new Promise<void>((resolve) => {
    let [asked, answered] = [0, 0];
    const next = (): void => {
      if (asked < count) {
        asked += 1;
        speaker.ask(() => {
          answered += 1;
          if (answered === count) resolve();
          else next();
        });
      }
    };
    for (let n = 0; n < IN_FLIGHT; n++) next();
  });
  return perSecond(count, from);
}

async function pings(speaker: Speaker): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < PINGS; n++) {
    const from = performance.now();
    await new Promise<void>((resolve) => speaker.ask(resolve));
    times.push((performance.now() - from) * 1000);
  }
  return percentile(times, 0.5);
}

const play: { readonly [wish in Wish]: (speaker: Speaker) => Promise<number> } = {
  tell: (speaker) => tells(speaker, TELLS),
  ask: (speaker) => asks(speaker, ASKS),
  ping: pings,
};

const host = '127.0.0.1';
type Ready = { readonly port: number; readonly speaker: Promise<Speaker> };

async function ours({ role, pem, port }: Part): Promise<Ready> {
  const credentials = readCredentials(pem);
  const speaker = ourSpeaker(role);
  if (role === 'worker') {
    const address = `${host}:${port}`;
    speaker.take(await dialMesh({ address, credentials, expectRole: 'head', purpose: 'messages' }));
    return { port, speaker: Promise.resolve(speaker) };
  }
  const listening = await listenMesh({
    host,
    port: 0,
    credentials,
    admit: () => undefined,
    onLink: (link: Link) => speaker.take(link),
    onJoin: () => Promise.reject(new Error('nobody joins')),
  });
  return { port: listening.port, speaker: Promise.resolve(speaker) };
}

async function bare({ role, pem, port }: Part): Promise<Ready> {
  const tls = { key: pem.key, cert: pem.certificate, ca: pem.chain, perMessageDeflate: false };
  if (role === 'worker') {
    const ws = new WebSocket(`wss://${host}:${port}`, {
      ...tls,
      generateMask: () => {},
      maxPayload: limits.frameBytesMax,
    });
    await once(ws, 'open');
    return { port, speaker: Promise.resolve(bareSpeaker(role, ws)) };
  }
  const server = createServer({ ...tls, requestCert: true, minVersion: 'TLSv1.3' });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const speaker = once(sockets, 'connection').then(([ws]) => bareSpeaker(role, ws as WebSocket));
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, speaker };
}

process.once('message', async (part: Part) => {
  const { port, speaker } = await { ours, bare }[part.kind](part);
  process.on('message', async (wish: Wish) => process.send?.(await play[wish](await speaker)));
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
