import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressesOf, connectTo, type Place } from '../src/connect.ts';
import type { Credentials } from '../src/platform/credentials.ts';
import { keyPlaces, writeKeyPair, writePem } from '../src/platform/key-files.ts';
import { listenTerminals } from '../src/platform/terminals.ts';
import type { Listening } from '../src/platform/tls-server.ts';
import { Failed } from '../src/protocol/errors.ts';
import { head } from './client/head.ts';
import { makePki, type Pki } from './platform/pki.ts';

let folder = '';
let pki: Pki;
let heads: readonly Listening[];
const callers: string[] = [];
/** A port of this machine that nobody listens on: one just given back. */
let silent = 0;

const listen = async (node: Credentials, number: number): Promise<Listening> => {
  const { take } = head({ play: () => ({ id: `head ${number}`, operator: true }) });
  return listenTerminals({
    host: '127.0.0.1',
    port: 0,
    credentials: node,
    admit: ({ name }) => void callers.push(name),
    onRequest: () => {},
    onTerminal: take,
  });
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-connect-'));
  pki = await makePki();
  const node = await pki.node('head', 'h1');
  const gone = await listen(node, 0);
  silent = gone.port;
  await gone.close();
  heads = [await listen(node, 1), await listen(node, 2)];
});
afterAll(async () => {
  await Promise.all(heads.map((each) => each.close()));
  await rm(folder, { recursive: true, force: true });
});

/** A spool as a head leaves it: an admin's keys, the authorities, and where it listens. */
async function spoolOf(name: string, port: number): Promise<string> {
  const spool = join(folder, name);
  const places = keyPlaces(spool);
  const { key, shown } = await pki.user('admin');
  await writeKeyPair(places.user('admin'), { key: String(key), certificate: String(shown) });
  await writePem(places.chain, pki.chain);
  await moved(spool, port);
  return spool;
}

const moved = (spool: string, port: number, pid = process.pid): Promise<void> => {
  const terminal = { host: '0.0.0.0', port };
  return writePem(join(spool, 'run', 'node.json'), JSON.stringify({ pid, terminal }));
};

const portOf = (number: number): number => heads[number - 1]?.port ?? 0;
const urlOf = (port: number): string => `https://127.0.0.1:${port}`;

/** Which of the heads answers. */
async function answering(place: Place): Promise<string> {
  const client = connectTo(place, { callMs: 5_000 });
  try {
    return (await client.call('user.show', {})).id;
  } finally {
    client.close();
  }
}

describe('a program on Node', () => {
  it('reaches the node of a spool as its admin', async () => {
    callers.length = 0;
    expect(await answering({ spool: await spoolOf('a', portOf(1)) })).toBe('head 1');
    expect(new Set(callers)).toEqual(new Set(['admin']));
  });

  it('follows a node that listens elsewhere when it comes back', async () => {
    const spool = await spoolOf('b', silent);
    const client = connectTo({ spool }, { callMs: 5_000 });
    const called = client.call('user.show', {});
    await moved(spool, portOf(2));
    expect((await called).id).toBe('head 2');
    client.close();
  });

  it('reaches a head by its URL with a user’s own files', async () => {
    callers.length = 0;
    const { key, shown } = await pki.user('demo');
    const place = {
      url: urlOf(portOf(1)),
      certificate: join(folder, 'cert.pem'),
      key: join(folder, 'key.pem'),
      authorities: join(folder, 'ca.pem'),
    };
    await writeKeyPair(place, { key: String(key), certificate: String(shown) });
    await writePem(place.authorities, pki.chain);
    expect(await answering(place)).toBe('head 1');
    expect(new Set(callers)).toEqual(new Set(['demo']));
  });

  it('takes the next of several heads if one does not answer', async () => {
    const spool = await spoolOf('c', silent);
    expect(await answering({ spool, url: [urlOf(silent), urlOf(portOf(2))] })).toBe('head 2');
    const url = `${urlOf(silent)}, 127.0.0.1:${portOf(1)},`;
    expect(await answering({ spool, url })).toBe('head 1');
  });

  it.each([
    [{ url: 'ftp://host' }, 'malformed', 'url: ftp://host: swm is spoken over TLS only'],
    [{ certificate: 'cert.pem' }, 'malformed', 'certificate: goes with the other'],
    [{ certificate: '/none', key: '/none' }, 'malformed', '/none: a file in PEM; there is none'],
  ])('is told at once what is wrong with %j', async (place, code, text) => {
    const spool = await spoolOf('d', portOf(1));
    const failed: unknown = await answering({ spool, ...place }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Failed);
    expect((failed as Failed).failure).toMatchObject({ code, text });
  });
});

describe('a URL', () => {
  it.each([
    ['host:1234', 'host:1234'],
    ['host', 'host:8443'],
    ['https://host:443/x', 'host:443'],
    ['wss://10.0.0.1:9/terminal', '10.0.0.1:9'],
    ['[::1]:443', '[::1]:443'],
    ['https://[::1]', '[::1]:8443'],
  ])('%s is dialled at %s', async (url, address) => {
    expect(await addressesOf({ url })).toEqual([address]);
  });

  it.each(['http://host', 'ftp://x', ':::'])('%s is none to dial', async (url) => {
    await expect(addressesOf({ url })).rejects.toThrow(/url/);
  });
});
