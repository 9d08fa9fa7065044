import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Credentials, readCredentials } from '../../src/platform/credentials.ts';
import { dialTerminal } from '../../src/platform/dial.ts';
import type { UserIdentity } from '../../src/platform/identity.ts';
import type { Link } from '../../src/platform/link.ts';
import { respond } from '../../src/platform/refusal.ts';
import { listenTerminals, type Subprotocol } from '../../src/platform/terminals.ts';
import type { Listening } from '../../src/platform/tls-server.ts';
import { echoes, failureOf } from './mesh-world.ts';
import { makeGridPki, makePki, type Pki, past } from './pki.ts';
import { until } from './wait.ts';

let pki: Pki;
let head: Credentials;
let user: Credentials;
let listening: Listening;
const refused = new Map<string, string>();
let opened: { link: Link; user: UserIdentity; subprotocol: Subprotocol }[];

const open = (credentials: Credentials, host = '127.0.0.1', handshakeMsMax = 10_000) =>
  listenTerminals({
    host,
    handshakeMsMax,
    port: 0,
    credentials,
    admit: ({ name }) => refused.get(name),
    onRequest: (asked, response, who) =>
      respond(response, 200, { method: asked.method, url: asked.url, id: who?.id ?? '' }),
    onTerminal(link, who, subprotocol) {
      opened.push({ link, user: who, subprotocol });
      link.onFrame((frame) => void link.send(frame));
    },
  });

beforeEach(async () => {
  refused.clear();
  opened = [];
  pki = await makePki();
  head = await pki.node('head', 'h1');
  user = await pki.user('demo');
  listening = await open(head);
});
afterEach(async () => {
  await listening.close();
  expect([listening.connections, listening.links.size]).toEqual([0, 0]);
});

const tlsOf = (who?: Credentials, more: ConnectionOptions = {}): ConnectionOptions => ({
  ca: head.chain,
  ...(who === undefined ? {} : { key: who.key, cert: who.shown }),
  ...more,
});

type Asked = { readonly method?: string; readonly headers?: Record<string, string>; port?: number };

/** One request as a user's program makes it: a connection of its own, the host name checked. */
function ask(
  path: string,
  tls: ConnectionOptions,
  { method = 'GET', headers = {}, port }: Asked = {},
) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const to = { host: 'localhost', family: 4, port: port ?? listening.port };
    const sent = request({ ...to, path, method, headers, agent: false, ...tls }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const address = () => `127.0.0.1:${listening.port}`;
const unauthorized = { status: 401, text: '{"error":"unauthorized"}' };

describe('plain requests', () => {
  it('reach the hook with their user, over TLS 1.2 and 1.3', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { status, text } = await ask('/user?x=1', tlsOf(user, { maxVersion }));
      expect([status, JSON.parse(text)]).toEqual([
        200,
        { method: 'GET', url: '/user?x=1', id: (user.own as UserIdentity).id },
      ]);
    }
  });

  it('are unauthorized from strangers, whether to registry, cluster or calendar', async () => {
    const stranger = await makePki(pki.installation);
    refused.set('gone', 'not registered');
    expect(await ask('/user', tlsOf(await pki.user('gone')))).toEqual(unauthorized);
    expect(await ask('/user', tlsOf(await stranger.user('demo')))).toEqual(unauthorized);
    expect(await ask('/user', tlsOf(await pki.user('demo', undefined, past())))).toEqual(
      unauthorized,
    );
    expect(await ask('/user', tlsOf(await pki.node('worker', 'w1')))).toEqual(unauthorized);
    expect(await ask('/user', tlsOf())).toEqual(unauthorized);
  });

  it('may ask for the health without a certificate, and for nothing else', async () => {
    const health = await ask('/health?deep=1', tlsOf());
    expect(JSON.parse(health.text)).toEqual({ method: 'GET', url: '/health?deep=1', id: '' });
    expect(await ask('/health', tlsOf(), { method: 'POST' })).toEqual(unauthorized);
    expect(await ask('/health/../user', tlsOf())).toEqual(unauthorized);
  });

  it('may not be made by a page of another site', async () => {
    const evil = { method: 'POST', headers: { origin: 'https://evil.example' } };
    const own = { method: 'POST', headers: { origin: `https://localhost:${listening.port}` } };
    expect((await ask('/user/job', tlsOf(user), evil)).status).toBe(403);
    expect(
      (await ask('/user/job', tlsOf(user), { ...evil, headers: { origin: 'null' } })).status,
    ).toBe(403);
    expect((await ask('/user/job', tlsOf(user), own)).status).toBe(200);
  });

  it('are not waited for when their headers do not end', async () => {
    const served = await open(head, '127.0.0.1', 400);
    const slow = connect({ ...tlsOf(user), host: 'localhost', port: served.port });
    slow.on('error', () => {});
    slow.resume();
    const drip = setInterval(
      () => slow.write(slow.bytesWritten === 0 ? 'GET / HTTP/1.1\r\nx: ' : 'x'),
      20,
    );
    await until('it is cut off', () => slow.closed, 4_000);
    clearInterval(drip);
    await served.close();
  });

  it('ask the registry each time, also on a connection that is kept', async () => {
    const { Agent } = await import('node:https');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const kept = { ...tlsOf(user), agent } as ConnectionOptions;
    expect((await ask('/user', kept)).status).toBe(200);
    refused.set('demo', 'removed');
    expect(await ask('/user', kept)).toEqual(unauthorized);
    agent.destroy();
  });
});

describe('terminals', () => {
  it('speak either subprotocol, in frames of its kind', async () => {
    for (const subprotocol of ['swm.v1+msgpack', 'swm.v1+json'] as const) {
      const link = await dialTerminal({ address: address(), credentials: user, subprotocol });
      await echoes(link);
      expect(link.peer).toMatchObject({ kind: 'node', role: 'head', name: 'h1' });
    }
    expect(opened.map(({ subprotocol }) => subprotocol)).toEqual(['swm.v1+msgpack', 'swm.v1+json']);
    expect(opened[0]!.user).toEqual(user.own);
    expect(opened[0]!.link.peer).toEqual(user.own);
  });

  it('write JSON as text, and are refused bytes', async () => {
    const ws = await browser(['swm.v1+json'], user);
    const kinds: boolean[] = [];
    ws.on('message', (_frame, binary) => void kinds.push(binary));
    ws.send('{"a":"ä"}');
    await until('an echo', () => kinds.length === 1);
    expect(kinds).toEqual([false]);
    const closed = closing(ws);
    ws.send(Buffer.of(1));
    expect(await closed).toEqual({ code: 1003, why: 'binary is not spoken here' });
  });

  it('are sent away with words that a browser can show', async () => {
    refused.set('demo', 'demo is not registered');
    const ws = await browser(['swm.v1+json'], user);
    expect(await closing(ws)).toEqual({ code: 4401, why: 'unauthorized: demo is not registered' });
    const nobody = await browser(['swm.v1+json']);
    expect(await closing(nobody)).toEqual({
      code: 4401,
      why: 'unauthorized: no certificate was shown',
    });
    expect(opened).toEqual([]);
  });

  it('must name a subprotocol and the path, and be of this site', async () => {
    await expect(browser([], user)).rejects.toThrow('400');
    await expect(browser(['chat'], user)).rejects.toThrow('400');
    await expect(browser(['swm.v1+json'], user, '/terminals')).rejects.toThrow('404');
    const evil = { origin: 'https://evil.example' };
    await expect(browser(['swm.v1+json'], user, '/terminal', evil)).rejects.toThrow('403');
    expect(opened).toEqual([]);
  });

  it('believe a head only', async () => {
    const stranger = await (await makePki()).user('demo');
    const subprotocol = 'swm.v1+msgpack';
    const failure = await failureOf(
      dialTerminal({ address: address(), credentials: stranger, subprotocol }),
    );
    expect(failure.text).toContain('is not signed by this cluster');
    const posing = await open(await pki.node('worker', 'w1'));
    const at = `127.0.0.1:${posing.port}`;
    const worker = await failureOf(dialTerminal({ address: at, credentials: user, subprotocol }));
    expect(worker.text).toContain('worker w1 is not a head');
    await posing.close();
  });
});

describe('an older installation', () => {
  const older = (name: string) =>
    readFileSync(new URL(`../fixtures/older-pki/${name}.pem`, import.meta.url), 'utf8');
  const chain = older('ca-chain-cert');
  const read = (name: string) =>
    readCredentials({ key: older(`${name}-key`), certificate: older(name), chain });

  it('has its users served by its node, whose intermediate is sent', async () => {
    const served = await open(read('node'));
    try {
      const demo = read('user');
      // Its users may hold the grid's certificate alone: the cluster's comes from the server.
      const tls = { key: demo.key, cert: older('user'), ca: older('grid') };
      const { status, text } = await ask('/user', tls, { port: served.port });
      expect([status, JSON.parse(text).id]).toEqual([200, '44444444-4444-4444-8444-444444444444']);
      for (const at of [`127.0.0.1:${served.port}`, `localhost:${served.port}`]) {
        const subprotocol = 'swm.v1+json';
        await echoes(await dialTerminal({ address: at, credentials: demo, subprotocol }));
      }
    } finally {
      await served.close();
    }
  });

  it('is believed under its certificate’s names alone, and its users are no servers', async () => {
    const subprotocol = 'swm.v1+json';
    for (const [name, host] of [
      ['node', '127.0.0.2'],
      ['user', '127.0.0.1'],
    ] as const) {
      const served = await open(read(name), host);
      const at = `${host}:${served.port}`;
      const dialled = dialTerminal({ address: at, credentials: read('user'), subprotocol });
      expect((await failureOf(dialled)).text).toBe(
        `${at} is not believed: the certificate does not name ${host}`,
      );
      await served.close();
    }
  });

  it('is no door to its grid’s other clusters', async () => {
    const { grid, pki: one } = await makeGridPki();
    const other = (await makeGridPki(grid)).pki;
    const served = await open(await one.node('head', 'h1'));
    try {
      const tls = (who: Credentials) => ({ key: who.key, cert: who.shown, ca: one.chain });
      const at = { port: served.port };
      expect((await ask('/user', tls(await one.user('demo')), at)).status).toBe(200);
      expect(await ask('/user', tls(await other.user('demo')), at)).toEqual(unauthorized);
    } finally {
      await served.close();
    }
  });
});

/** A WebSocket as others make it. */
function browser(
  offered: string[],
  who?: Credentials,
  path = '/terminal',
  headers: Record<string, string> = {},
): Promise<WebSocket> {
  const url = `wss://localhost:${listening.port}${path}`;
  const ws = new WebSocket(url, offered, { ...tlsOf(who), headers, family: 4 });
  return new Promise((resolve, reject) => {
    ws.once('open', () => resolve(ws));
    ws.once('error', reject);
  });
}

const closing = (ws: WebSocket): Promise<{ code: number; why: string }> =>
  new Promise((resolve) => {
    ws.once('close', (code, why) => resolve({ code, why: why.toString() }));
  });
