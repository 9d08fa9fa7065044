import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { issue, makeKey, type Subject } from '../../src/platform/certificates.ts';
import { keyPlaces } from '../../src/platform/key-files.ts';
import { makePki } from '../platform/pki.ts';
import { dev, file, folder, forAll, swm } from './lab.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

type Pem = { readonly key: string; readonly cert: string };
type Door = { readonly host: string; readonly port: number };

/** How a WebSocket ended that was opened with this certificate and sent these bytes. */
function sent(door: Door, path: string, pem: Pem, bytes?: Uint8Array): Promise<string> {
  const protocols = path === '/terminal' ? ['swm.v1+msgpack'] : [];
  const url = `wss://${door.host}:${door.port}${path}`;
  const socket = new WebSocket(url, protocols, { ...pem, rejectUnauthorized: false });
  return new Promise((resolve) => {
    socket.on('open', () => bytes && socket.send(bytes));
    socket.on('unexpected-response', (_, answer) => resolve(`HTTP ${answer.statusCode}`));
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
  });
}

const place = forAll(async () => {
  const home = await folder();
  const node = await dev(join(home, 'spool'));
  const file = await readFile(join(node.spool, 'run', 'node.json'), 'utf8');
  const doors = JSON.parse(file) as { readonly mesh: Door; readonly terminal: Door };
  const places = keyPlaces(node.spool);
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  const admin: Pem = {
    key: await read(places.user('admin').key),
    cert: await read(places.user('admin').certificate),
  };
  const authority = {
    key: await read(places.cluster.key),
    certificate: await read(places.cluster.certificate),
  };
  const signed = async (subject: Subject): Promise<Pem> => {
    const key = makeKey();
    return { key, cert: (await issue(authority, key, subject)) + authority.certificate };
  };
  const installation = (await read(join(node.spool, 'installation'))).trim();
  const id = (await node.client.call('user.show', {})).id;
  return { home, node, doors, admin, signed, installation, id, chain: places.chain };
});

/** It serves as before. */
async function serves(): Promise<void> {
  const { node } = place();
  const id = await node.submit('#!/bin/sh\necho well\n');
  expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
  expect(await logOf(node, id)).toBe('well\n');
}

describe('a stranger', { timeout: 60_000 }, () => {
  it('with the certificate of another authority is refused as a user and as a node', async () => {
    const { home, node, doors, id, installation, chain } = place();
    const pki = await makePki(installation);
    const user = await pki.user('admin', id);
    const { key, shown: cert } = user;
    expect(await sent(doors.terminal, '/terminal', { key, cert })).toMatch(/^4401 unauthorized/);
    const worker = await pki.node('worker', 'swm-12345678-0');
    for (const path of ['/mesh', '/bulk']) {
      const pem = { key: worker.key, cert: worker.shown };
      expect(await sent(doors.mesh, path, pem)).toBe('HTTP 401');
      expect(await sent(doors.mesh, path, { key, cert })).toBe('HTTP 401');
    }
    const certFile = await file(join(home, 'cert.pem'), cert);
    const keyFile = await file(join(home, 'key.pem'), key);
    const url = `https://${doors.terminal.host}:${doors.terminal.port}`;
    const args = ['--url', url, '--cert', certFile, '--key', keyFile, '--ca', chain];
    const done = await swm(['jobs', ...args]);
    expect(done.code).not.toBe(0);
    expect(done.stdout).toBe('');
    expect(done.stderr).not.toContain('    at ');
    expect(node.log()).not.toContain('a bug nobody caught');
  });

  it('with a good certificate, and registered nowhere, is refused', async () => {
    const { doors, signed, installation, admin } = place();
    const user = await signed({ kind: 'user', id: crypto.randomUUID(), name: 'eve' });
    expect(await sent(doors.terminal, '/terminal', user)).toMatch(/^4401 unauthorized/);
    const about = { kind: 'node', installation, hosts: ['localhost'] } as const;
    const worker = await signed({ ...about, role: 'worker', name: 'swm-12345678-0' });
    const head = await signed({ ...about, role: 'head', name: 'another' });
    expect(await sent(doors.mesh, '/mesh', worker)).toBe('HTTP 401');
    expect(await sent(doors.mesh, '/mesh', head)).toBe('HTTP 401');
    expect(await sent(doors.mesh, '/mesh', admin)).toBe('HTTP 401');
    expect(await sent(doors.terminal, '/terminal', worker)).toMatch(/^4401 unauthorized/);
  });

  it('who speaks no sense is put up with, on every port', async () => {
    const { node, doors, admin } = place();
    for (const door of [doors.mesh, doors.terminal]) {
      const open = Array.from({ length: 40 }, (_, at) => babble(door, at, admin));
      await Promise.all(open.map(({ said }) => said));
      await serves();
      for (const { end } of open) end();
    }
    expect(node.log()).not.toContain('a bug nobody caught');
  });
});

/** Opens a connection and says something: nothing, noise, noise within TLS, half a request. */
function babble(door: Door, at: number, pem: Pem) {
  const noise = randomBytes(10_000);
  const half = Buffer.from('GET /terminal HTTP/1.1\r\nHost: x\r\nUpgrade: webs');
  const inTls = at % 4 >= 2;
  const socket = inTls
    ? connectTls({ ...door, ...(at % 8 >= 4 ? pem : {}), rejectUnauthorized: false })
    : connectTcp(door);
  socket.on('error', () => {});
  socket.on('data', () => {});
  const said = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once(inTls ? 'secureConnect' : 'connect', () => {
      if (at % 4 === 0) return resolve();
      socket.write(at % 4 === 3 ? half : noise, () => resolve());
    });
  });
  return { said, end: () => socket.destroy() };
}

describe('one who may come in', { timeout: 60_000 }, () => {
  const large = Buffer.alloc(20 << 20, 0x91);

  it('with a frame of 20 MB is sent away', async () => {
    const { doors, admin, node } = place();
    expect(await sent(doors.terminal, '/terminal', admin, large)).toMatch(/^1009 /);
    await serves();
    expect(node.log()).not.toContain('a bug nobody caught');
  });

  it('with noise in a frame is told so, or sent away', async () => {
    const { doors, admin, node } = place();
    expect(await sent(doors.terminal, '/terminal', admin, randomBytes(1000))).toMatch(/^\d{4} /);
    await serves();
    expect(node.log()).not.toContain('a bug nobody caught');
  });

  it('as a worker that has gone mad: its job is not disturbed', async () => {
    const { home, doors, node } = place();
    const job = await waiter(home, 'relocatable');
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const { cluster, nodes } = await node.job(id);
    const spool = join(node.spool, 'gates', 'local', cluster, nodes[0]!, 'spool');
    const places = keyPlaces(spool);
    const pem: Pem = {
      key: await readFile(places.node.key, 'utf8'),
      cert: (await readFile(places.node.certificate, 'utf8')) + (await readFile(places.chain)),
    };
    for (const path of ['/mesh', '/bulk'])
      for (const bytes of [large, randomBytes(1000)])
        expect(await sent(doors.mesh, path, pem, bytes)).toMatch(/^1009 |^\d{4} /);
    await serves();
    await job.go();
    const ended = await node.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
    expect(await logOf(node, id)).toBe(`begin ${pid}\nend ${pid}\n`);
    expect(node.log()).not.toContain('a bug nobody caught');
  });
});
