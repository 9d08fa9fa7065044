import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { issue, makeAuthority, makeKey } from '../src/platform/certificates.ts';
import type { Role } from '../src/platform/identity.ts';
import { MESSAGES_A_FRAME } from './mesh-load.ts';
import type { Part } from './mesh-peer.ts';
import { type Measures, run } from './rounds.ts';

const installation = 'bench';
const authority = await makeAuthority({ installation, name: 'bench' });
const pemFor = async (role: Role, name: string): Promise<Part['pem']> => {
  const key = makeKey();
  const subject = { kind: 'node', role, name, installation, hosts: ['127.0.0.1'] } as const;
  const certificate = await issue(authority, key, subject);
  return { key, certificate, chain: authority.certificate };
};
const head = await pemFor('head', 'h1');
const worker = await pemFor('worker', 'w1');

/** Starts a process, hands it its part and waits for its answer. */
async function play<Answer>(part: Part): Promise<{ child: ChildProcess; answer: Answer }> {
  const child = fork(new URL('./mesh-peer.ts', import.meta.url));
  child.send(part);
  const answer = await Promise.race([
    once(child, 'message').then(([said]) => said as Answer),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`a peer ended with ${code}`))),
  ]);
  return { child, answer };
}

async function playBoth(kind: Part['kind']): Promise<Measures> {
  const receiver = await play<{ port: number }>({ kind, does: 'receive', pem: head, port: 0 });
  const { port } = receiver.answer;
  const sender = await play<Measures>({ kind, does: 'send', pem: worker, port });
  for (const { child } of [receiver, sender]) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  return sender.answer;
}

await run({
  name: 'mesh',
  units: { frames: 'frames/s', messages: 'messages/s', ping_p50: 'µs' },
  setup:
    `two processes over loopback, TLS 1.3 with certificates on both sides, ${MESSAGES_A_FRAME} ` +
    'messages of about 200 bytes a frame, packed and unpacked by the same sequential msgpackr; ' +
    'ws without deflate, its masks left zero too, no beats and no bounds',
  ours: { name: 'swm links', run: () => playBoth('ours') },
  beside: { name: 'bare ws + msgpackr', run: () => playBoth('bare') },
});
