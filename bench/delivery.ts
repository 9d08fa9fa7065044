import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { issue, makeAuthority, makeKey } from '../src/platform/certificates.ts';
import type { Role } from '../src/platform/identity.ts';
import type { Part, Wish } from './delivery-peer.ts';
import { type Measures, run } from './rounds.ts';

/**
 * What a link carries from actor to actor: said by one, written, sent, read, held against its
 * shape, let in by its door, and heard by another; beside rows that are sent and believed.
 */

const installation = 'bench';
const authority = await makeAuthority({ installation, name: 'bench' });
const pemFor = async (role: Role, name: string): Promise<Part['pem']> => {
  const key = makeKey();
  const subject = { kind: 'node', role, name, installation, hosts: ['127.0.0.1'] } as const;
  const certificate = await issue(authority, key, subject);
  return { key, certificate, chain: authority.certificate };
};
const pem = { head: await pemFor('head', 'h1'), worker: await pemFor('worker', 'w1') };

/** Tells a process something, and waits for the number that it says. */
async function say(child: ChildProcess, what: Part | Wish): Promise<number> {
  child.send(what);
  return Promise.race([
    once(child, 'message').then(([said]) => said as number),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`a peer ended with ${code}`))),
  ]);
}

async function measure(kind: Part['kind']): Promise<Measures> {
  const peer = new URL('./delivery-peer.ts', import.meta.url);
  const [head, worker] = [fork(peer), fork(peer)] as const;
  try {
    const port = await say(head, { kind, role: 'head', pem: pem.head, port: 0 });
    await say(worker, { kind, role: 'worker', pem: pem.worker, port });
    // Compilers need some hundred thousand messages before they are done.
    for (const child of [worker, head]) await say(child, 'tell');
    await say(worker, 'ask');
    return {
      reports: await say(worker, 'tell'),
      acknowledgements: await say(head, 'tell'),
      asks: await say(worker, 'ask'),
      ping_p50: await say(worker, 'ping'),
    };
  } finally {
    for (const child of [head, worker]) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}

await run({
  name: 'delivery',
  units: {
    reports: 'messages/s',
    acknowledgements: 'messages/s',
    asks: '1/s',
    ping_p50: 'µs',
  },
  setup:
    'two processes over loopback, TLS 1.3 with certificates on both sides; the same rows, ' +
    'gathered until the end of a turn, at most 128 a frame, sequential msgpackr, a handler by ' +
    'path; ws without deflate and masks; nothing is validated; 1,000 asks in flight',
  ours: { name: 'swm actors', run: () => measure('ours') },
  beside: { name: 'bare ws + msgpackr', run: () => measure('bare') },
});
