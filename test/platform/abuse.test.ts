import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credentials } from '../../src/platform/credentials.ts';
import { limits } from '../../src/protocol/limits.ts';
import { echoes, type MeshWorld, meshWorld } from './mesh-world.ts';
import { makePki, type Pki, past } from './pki.ts';
import { until } from './wait.ts';

const handshakeMsMax = 700;
let pki: Pki;
let worker: Credentials;
let world: MeshWorld;

beforeAll(async () => {
  pki = await makePki();
  worker = await pki.node('worker', 'w1');
});
beforeEach(async () => {
  world = await meshWorld({ pki, handshakeMsMax });
});

/** After every abuse: an honest node gets its link, and nothing of the abuse is left. */
afterEach(async () => {
  const link = await world.dial(worker);
  await echoes(link);
  link.close('done');
  await until('no connection is left', () => world.listening.connections === 0);
  expect(world.listening.links.size).toBe(0);
  await world.end();
});

describe('a peer that is not believed', () => {
  const refusals: [string, () => Promise<ConnectionOptions>, string][] = [
    ['shows nothing', async () => ({}), 'no certificate was shown'],
    [
      'is of another authority',
      async () => tlsOf(await (await makePki(pki.installation)).node('worker', 'w1')),
      'the certificate is not signed by this cluster',
    ],
    [
      'has expired',
      async () => tlsOf(await pki.node('worker', 'w1', past())),
      'the certificate has expired',
    ],
    ['is a user', async () => tlsOf(await pki.user('w1')), 'is not a node'],
    [
      'is a worker with a head’s name',
      async () => tlsOf(await pki.node('worker', 'h1')),
      'worker h1 is not registered',
    ],
    [
      'is of another installation under the same authority',
      async () => tlsOf(await makeInstallation()),
      'belongs to another installation',
    ],
  ];
  for (const [what, options, why] of refusals)
    it(`is refused before the upgrade with the reason: it ${what}`, async () => {
      const { text } = await spoken(await secure(await options()), upgrade());
      expect(text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
      expect(text).toContain('"error":"unauthorized"');
      expect(text).toContain(why);
      expect(world.links).toEqual([]);
    });

  it('gains nothing by resuming a session that it made without a certificate', async () => {
    const socket = await secure({});
    const ticket = await new Promise<Buffer>((resolve) => {
      socket.once('session', resolve);
      socket.write(upgrade());
      socket.resume();
    });
    const again = await secure({ session: ticket });
    expect(again.isSessionReused()).toBe(true);
    expect((await spoken(again, upgrade())).text).toContain('no certificate was shown');
    expect(world.links).toEqual([]);
  });

  it('is not heard over anything older than TLS 1.3', async () => {
    await expect(secure({ ...tlsOf(worker), maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  const makeInstallation = async () => {
    const { issue, makeKey } = await import('../../src/platform/certificates.ts');
    const { readCredentials } = await import('../../src/platform/credentials.ts');
    const key = makeKey();
    const subject = {
      kind: 'node',
      role: 'worker',
      name: 'w1',
      installation: 'elsewhere',
      hosts: [],
    } as const;
    const certificate = await issue(pki.authority, key, subject);
    return readCredentials({ key, certificate, chain: pki.chain });
  };
});

describe('a peer that dawdles', () => {
  it('is cut off: no TLS, half of it, half a request, byte by byte', async () => {
    const silent = await tcp();
    const half = await tcp();
    half.write(Buffer.from('160301020001000', 'hex'));
    const mute = await secure(tlsOf(worker));
    const begun = await secure(tlsOf(worker));
    begun.write('GET /mesh HTTP/1.1\r\nhost: x\r\n');
    const slow = await secure(tlsOf(worker));
    const drip = setInterval(() => slow.write('a'), 20);
    const body = await secure({});
    body.write('POST /join HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    const all = [silent, half, mute, begun, slow, body];
    for (const socket of all) socket.resume();
    expect(all.map(({ closed }) => closed)).toEqual(Array(6).fill(false));
    await until('all are cut off', () => all.every(({ closed }) => closed), 5 * handshakeMsMax);
    clearInterval(drip);
  });

  it('does not hold up others, however many they are', async () => {
    const crowd = await Promise.all(Array.from({ length: 300 }, tcp));
    await echoes(await world.dial(worker));
    for (const socket of crowd) socket.destroy();
    world.links.at(-1)!.link.close('done');
  });
});

describe('garbage', () => {
  it('instead of TLS or HTTP is dropped', async () => {
    const raw = await tcp();
    const heard = spoken(raw, randomBytes(5_000));
    expect((await heard).text).not.toContain('HTTP/1.1 2');
    const { text } = await spoken(await secure(tlsOf(worker)), randomBytes(5_000));
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    const headers = `GET /mesh HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`;
    expect((await spoken(await secure(tlsOf(worker)), headers)).text).toMatch(/^HTTP\/1\.1 4/);
  });

  it('as an upgrade is refused', async () => {
    for (const [request, status] of [
      [upgrade('/nowhere'), 404],
      [upgrade('/mesh', { 'sec-websocket-key': 'short' }), 400],
      [upgrade('/mesh', { 'sec-websocket-version': '99' }), 400],
      [upgrade('/mesh', { upgrade: 'h2c' }), 400],
    ] as const) {
      const { text } = await spoken(await secure(tlsOf(worker)), request);
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    expect(world.links).toEqual([]);
  });

  it('as frames ends that link with words, and none other', async () => {
    const honest = await world.dial(worker);
    const cases: [Buffer, string][] = [
      [frame(0x82, limits.frameBytesMax + 1), 'frame too large'],
      [frame(0x82, 20 << 20), 'frame too large'],
      [frame(0x82, 2 ** 40), 'frame too large'],
      [Buffer.of(0x82, 0x05, 1, 2, 3, 4, 5), 'protocol error'],
      [Buffer.of(0xf2, 0x80, 0, 0, 0, 0), 'protocol error'],
      [Buffer.of(0x83, 0x80, 0, 0, 0, 0), 'protocol error'],
      [Buffer.of(0x80, 0x80, 0, 0, 0, 0), 'protocol error'],
      [Buffer.of(0x89, 0xfe, 0, 200, 0, 0, 0, 0), 'protocol error'],
      [Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69), 'text is not spoken here'],
    ];
    for (const [bytes, why] of cases) {
      const socket = await upgraded();
      const link = world.links.at(-1)!;
      const answer = spoken(socket, bytes);
      await until('the head knows', () => link.why !== '');
      expect(link.why).toContain(why);
      // A close frame, whatever came before it: its code says the same to the other side.
      expect((await answer).bytes.includes(0x88)).toBe(true);
      expect(link.frames).toBe(0);
    }
    await echoes(honest);
    honest.close('done');
  });

  it('of 20 MB is not kept, though it is sent on', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const socket = await upgraded();
    const link = world.links.at(-1)!;
    socket.on('error', () => {});
    socket.resume();
    socket.write(frame(0x82, 20 << 20));
    const piece = Buffer.alloc(1 << 20);
    for (let n = 0; n < 20 && !socket.destroyed; n++)
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    await until('the head knows', () => link.why === 'frame too large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(12 << 20);
    socket.destroy();
  });

  it('in a thousand fragments, or in many tiny ones, is bounded', async () => {
    const socket = await upgraded();
    const link = world.links.at(-1)!;
    const fragment = Buffer.of(0x00, 0x81, 0, 0, 0, 0, 7);
    const first = Buffer.from(fragment);
    first[0] = 0x02;
    const many = Buffer.concat([first, ...Array(limits.frameFragmentsMax + 1).fill(fragment)]);
    void spoken(socket, many);
    await until('the head knows', () => link.why !== '');
    expect(link.why).toContain('too large');
    expect(link.frames).toBe(0);
  });

  it('of any kind never harms the head', async () => {
    const before = world.links.length;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const socket = await upgraded();
        socket.on('error', () => {});
        socket.resume();
        socket.end(bytes);
        const link = world.links.at(-1)!;
        await until('it has ended', () => link.why !== '');
      }),
      { numRuns: 60 },
    );
    expect(world.links.length).toBeGreaterThan(before + 59);
  });
});

const tlsOf = (who: Credentials): ConnectionOptions => ({ key: who.key, cert: who.shown });
const opened: Socket[] = [];
afterAll(() => {
  for (const socket of opened) socket.destroy();
});

function tcp(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(world.listening.port, '127.0.0.1');
    opened.push(socket);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
  });
}

function secure(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port: world.listening.port, rejectUnauthorized: false };
    const socket = connectTls({ ...to, ...options });
    opened.push(socket);
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
  });
}

/** Sends it and gives all that comes back until the other side hangs up. */
function spoken(socket: Socket, bytes: string | Buffer): Promise<{ bytes: Buffer; text: string }> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => void parts.push(part));
    socket.once('close', () => {
      const all = Buffer.concat(parts);
      resolve({ bytes: all, text: all.toString('latin1') });
    });
    socket.resume();
    socket.write(bytes);
  });
}

const upgrade = (path = '/mesh', change: Record<string, string> = {}): string => {
  const headers = {
    host: 'x',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    ...change,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

/** A worker's socket after a good upgrade, to write any bytes to. */
async function upgraded(): Promise<TLSSocket> {
  const socket = await secure(tlsOf(worker));
  const before = world.links.length;
  socket.write(upgrade());
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
  socket.pause();
  await until('the head has it', () => world.links.length > before);
  return socket;
}

/** The beginning of a masked frame that says it has so many bytes. */
function frame(first: number, bytes: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}
