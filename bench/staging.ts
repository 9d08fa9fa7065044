import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs } from '../src/platform/blobs.ts';
import { issue, makeAuthority, makeKey } from '../src/platform/certificates.ts';
import type { Role } from '../src/platform/identity.ts';
import { type Measures, run } from './rounds.ts';
import type { Part, Said } from './staging-peer.ts';

const bytes = 512 << 20;
const directory = await mkdtemp(join(tmpdir(), 'swm-staging-'));
const head = join(directory, 'head');

async function makeBlob(): Promise<Part['blob']> {
  const path = join(directory, 'source');
  const file = await open(path, 'w');
  const piece = randomBytes(1 << 20);
  for (let at = 0; at < bytes; at += piece.length) {
    piece.writeUInt32BE(at / piece.length);
    await file.write(piece);
  }
  await file.close();
  return (await openBlobs(head)).putFile(path);
}

const installation = 'bench';
const authority = await makeAuthority({ installation, name: 'bench' });
const pemFor = async (role: Role, name: string): Promise<Part['pem']> => {
  const key = makeKey();
  const subject = { kind: 'node', role, name, installation, hosts: ['127.0.0.1'] } as const;
  return { key, certificate: await issue(authority, key, subject), chain: authority.certificate };
};
const pem = { head: await pemFor('head', 'h1'), worker: await pemFor('worker', 'w1') };

/** Starts a process, hands it its part and waits for what it says. */
async function play(part: Part, children: ChildProcess[]): Promise<Said> {
  const child = fork(new URL('./staging-peer.ts', import.meta.url));
  children.push(child);
  child.send(part);
  return Promise.race([
    once(child, 'message').then(([said]) => said as Said),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`a peer ended with ${code}`))),
  ]);
}

async function measure(kind: Part['kind'], blob: Part['blob']): Promise<Measures> {
  const children: ChildProcess[] = [];
  const folder = await mkdtemp(join(directory, 'worker-'));
  try {
    const part = { kind, blob, port: 0 };
    const { port = 0 } = await play(
      { ...part, does: 'head', pem: pem.head, folder: head },
      children,
    );
    const worker = { ...part, does: 'worker', pem: pem.worker, folder, port } as const;
    const { seconds = 0 } = await play(worker, children);
    return { staged: bytes / 1e6 / seconds };
  } finally {
    for (const child of children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  }
}

try {
  const blob = await makeBlob();
  await run({
    name: 'staging',
    units: { staged: 'MB/s' },
    setup:
      'a file of 512 MiB from one process to another over loopback, TLS 1.3 with certificates on ' +
      'both sides, its SHA-256 checked and its copy synced; the bare one reads, sends and writes ' +
      'without frames, credit or resuming',
    ours: { name: 'swm blobs', run: () => measure('ours', blob) },
    beside: { name: 'bare TLS', run: () => measure('bare', blob) },
  });
} finally {
  await rm(directory, { recursive: true });
}
