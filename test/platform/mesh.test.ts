import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificatesOf, issue, makeKey } from '../../src/platform/certificates.ts';
import { readCredentials } from '../../src/platform/credentials.ts';
import { dialMesh } from '../../src/platform/dial.ts';
import type { NodeIdentity } from '../../src/platform/identity.ts';
import { listenMesh } from '../../src/platform/mesh.ts';
import { echoes, failureOf, type MeshWorld, meshWorld } from './mesh-world.ts';
import { makeGridPki, makePki, past } from './pki.ts';
import { until } from './wait.ts';

let world: MeshWorld;
beforeEach(async () => {
  world = await meshWorld();
});
afterEach(() => world.end());

describe('the door for nodes', () => {
  it('gives links of both purposes to a node that is registered', async () => {
    const worker = await world.pki.node('worker', 'w1');
    const messages = await world.dial(worker);
    const bulk = await world.dial(worker, 'bulk');
    await echoes(messages);
    await echoes(bulk);
    expect(world.links.map(({ purpose }) => purpose)).toEqual(['messages', 'bulk']);
    expect(world.links[0]!.link.peer).toEqual(worker.own);
    expect(messages.peer).toEqual(world.head.own);
  });

  it('asks the registry on every connection, also on a resumed one', async () => {
    const worker = await world.pki.node('worker', 'w1');
    for (let n = 1; n <= 3; n++) {
      const link = await world.dial(worker);
      await echoes(link);
      link.close('next');
      await until('it is gone', () => world.listening.links.size === 0);
      expect(world.asked.length).toBe(n);
      expect(world.asked.at(-1)).toEqual(worker.own);
    }
    expect(worker.sessions.size).toBe(1);
    world.registry.delete('worker w1');
    expect(await failureOf(world.dial(worker))).toEqual({
      code: 'unauthorized',
      text: `${world.address} refused: worker w1 is not registered`,
      retry: false,
    });
    expect(world.links.length).toBe(3);
  });

  it('does resume sessions, and knows the peer all the same', async () => {
    const worker = await world.pki.node('worker', 'w1');
    await echoes(await world.dial(worker));
    await until('a session', () => worker.sessions.size === 1);
    await echoes(await world.dial(worker));
    expect(world.links.map(({ link }) => link.peer)).toEqual([worker.own, worker.own]);
    // Only a resumed connection takes the head's certificate from the session that was kept.
    const session = worker.sessions.get(world.address)!;
    const certificate = certificatesOf((await world.pki.node('head', 'h9')).shown)[0]!;
    worker.sessions.set(world.address, { ...session, certificate });
    expect((await failureOf(world.dial(worker))).text).toContain('is head h9, not head h1');
  });

  it('refuses an expired certificate, a stranger, a user, and one of another role', async () => {
    const stranger = await makePki(world.pki.installation);
    const refused = [
      [await world.pki.node('worker', 'w1', past()), 'the certificate has expired'],
      [await world.pki.node('worker', 'h1'), 'worker h1 is not registered'],
      [await world.pki.node('head', 'w1'), 'head w1 is not registered'],
    ] as const;
    for (const [credentials, why] of refused)
      expect((await failureOf(world.dial(credentials))).text).toBe(
        `${world.address} refused: ${why}`,
      );
    // These two do not get as far: they do not believe the head, or are no node.
    const foreign = await failureOf(world.dial(await stranger.node('worker', 'w1')));
    expect(foreign.text).toContain('is not signed by this cluster');
    await expect(world.dial(await world.pki.user('demo'))).rejects.toThrow(
      'a certificate of a node',
    );
    expect(world.links).toEqual([]);
  });

  it('tells no clusters of one grid apart by the grid', async () => {
    const { grid, pki } = await makeGridPki();
    const sibling = (await makeGridPki(grid)).pki;
    const ours = await meshWorld({ pki });
    try {
      await echoes(await ours.dial(await pki.node('worker', 'w1')));
      const foreign = await sibling.node('worker', 'w1');
      const lenient = { ...foreign, authority: ours.head.authority };
      const own = { ...foreign.own!, installation: pki.installation } as typeof foreign.own;
      const failure = await failureOf(ours.dial({ ...lenient, own }));
      expect(failure.text).toContain('refused: the certificate is not signed by this cluster');
    } finally {
      await ours.end();
    }
  });

  it('opens for heads only, and names who holds a port that is taken', async () => {
    const worker = await world.pki.node('worker', 'w1');
    const options = {
      host: '127.0.0.1',
      port: world.listening.port,
      admit: () => undefined,
      onLink: () => {},
      onJoin: () => Promise.reject(new Error()),
    };
    await expect(listenMesh({ ...options, credentials: worker })).rejects.toThrow('of a head');
    const failure = await failureOf(listenMesh({ ...options, credentials: world.head }));
    expect(failure.code).toBe('port_busy');
    expect(failure.text).toMatch(
      new RegExp(
        `^port ${world.listening.port} on 127.0.0.1 is held by .+ \\(pid ${process.pid}\\)$`,
      ),
    );
  });

  it('says goodbye on each link when it is closed', async () => {
    const link = await world.dial(await world.pki.node('worker', 'w1'));
    const why: string[] = [];
    link.onFrame(() => {});
    link.onClosed((reason) => void why.push(reason));
    await world.listening.close();
    await until('the worker knows', () => why.length > 0);
    expect(why).toEqual(['stopping']);
    expect(world.links[0]!.why).toBe('stopping');
  });
});

describe('dialling a node', () => {
  it('checks the role and the name that it expects', async () => {
    const worker = await world.pki.node('worker', 'w1');
    const dial = { address: world.address, credentials: worker, purpose: 'messages' } as const;
    const other = await failureOf(dialMesh({ ...dial, expectRole: 'head', expectName: 'h2' }));
    expect(other.text).toBe(`${world.address} is head h1, not head h2`);
    const role = await failureOf(dialMesh({ ...dial, expectRole: 'worker' }));
    expect(role).toMatchObject({ code: 'unauthorized', retry: false });
    await echoes(await dialMesh({ ...dial, expectRole: 'head' }));
    const resumed = await failureOf(dialMesh({ ...dial, expectRole: 'head', expectName: 'h2' }));
    expect(resumed.text).toBe(`${world.address} is head h1, not head h2`);
  });

  it('believes neither a user nor a head whose certificate has run out', async () => {
    const worker = await world.pki.node('worker', 'w1');
    for (const [posing, why] of [
      [await world.pki.user('h1'), 'the certificate is refused: INVALID_PURPOSE'],
      [await world.pki.node('head', 'h1', past()), 'the certificate has expired'],
    ] as const) {
      const server = createTlsServer({ key: posing.key, cert: posing.shown });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
      const dialled = dialMesh({
        address,
        credentials: worker,
        expectRole: 'head',
        purpose: 'messages',
      });
      expect((await failureOf(dialled)).text).toBe(`${address} is not believed: ${why}`);
      server.close();
    }
  });

  it('does not care by what host name it was reached', async () => {
    const key = makeKey();
    const subject = { ...(world.head.own as NodeIdentity), hosts: ['elsewhere.example'] };
    const certificate = await issue(world.pki.authority, key, subject);
    const credentials = readCredentials({ key, certificate, chain: world.pki.chain });
    const listening = await listenMesh({
      host: '127.0.0.1',
      port: 0,
      credentials,
      admit: () => undefined,
      onLink: (link) => link.onFrame((frame) => void link.send(frame)),
      onJoin: () => Promise.reject(new Error()),
    });
    const worker = await world.pki.node('worker', 'w1');
    for (const host of ['127.0.0.1', 'localhost']) {
      const address = `${host}:${listening.port}`;
      const dial = { address, credentials: worker, purpose: 'messages' } as const;
      await echoes(await dialMesh({ ...dial, expectRole: 'head', expectName: 'h1' }));
    }
    await listening.close();
  });

  it('ends in time when nobody answers, and says why when it cannot be reached', async () => {
    const worker = await world.pki.node('worker', 'w1');
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(mute.address() as { port: number }).port}`;
    const dial = { credentials: worker, expectRole: 'head', purpose: 'messages' } as const;
    const late = await failureOf(dialMesh({ ...dial, address, handshakeMsMax: 200 }));
    expect(late).toEqual({
      code: 'unreachable',
      text: `${address} cannot be reached: it did not answer in time`,
      retry: true,
    });
    mute.close();
    const gone = await failureOf(dialMesh({ ...dial, address: '127.0.0.1:1' }));
    expect(gone.text).toContain('ECONNREFUSED');
    for (const bad of ['127.0.0.1', 'a:0', 'a:70000', 'a b:1', '::1:5'])
      await expect(dialMesh({ ...dial, address: bad })).rejects.toThrow('host:port');
  });
});
