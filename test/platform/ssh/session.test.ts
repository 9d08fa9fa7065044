import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HostKey, readHostKey } from '../../../src/platform/ssh/host-key.ts';
import { openPatiently } from '../../../src/platform/ssh/patience.ts';
import { openSession, type SshPlace, type SshSession } from '../../../src/platform/ssh/session.ts';
import { Failed, type Failure } from '../../../src/protocol/errors.ts';
import { makeHost, type SshHost } from '../../sshd/sshd.ts';

const never = new AbortController().signal;
let host: SshHost;
let opened: SshSession[] = [];

beforeAll(async () => {
  host = await makeHost();
});
beforeEach(() => host.start());
afterEach(async () => {
  for (const session of opened) session.end();
  opened = [];
  await host.stop();
  host.cut();
});
afterAll(() => host.close());

const pinned = (): HostKey => readHostKey(host.fingerprint, 'key');
const placeOf = (known: HostKey | undefined, learned: HostKey[] = []): SshPlace => ({
  ...host,
  hostKeys: {
    known: async () => known,
    learn: async (key) => void learned.push(key),
  },
});
async function open(place = placeOf(pinned())): Promise<SshSession> {
  const session = await openSession(place, never);
  opened.push(session);
  return session;
}
async function refusal(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (why: unknown) => why,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
}

describe('a host by SSH', () => {
  it('runs a program with the words that were given, whatever is in them', async () => {
    const session = await open();
    const words = ["it's", '$(touch /tmp/x)', '', 'a  b', '"', '*', '\\n', 'ü\nz', '-n', '`id`'];
    const { stdout, code } = await session.run(['printf', '<%s>', ...words]);
    expect(stdout).toBe(words.map((word) => `<${word}>`).join(''));
    expect(code).toBe(0);
    const ended = await session.run(['sh', '-c', 'cat >&2; exit 7'], 'what it is told');
    expect(ended).toEqual({ code: 7, stdout: '', stderr: 'what it is told' });
    const big = Buffer.alloc(3 << 20, 'x');
    const { stdout: count } = await session.run(['wc', '-c'], Readable.from([big]));
    expect(count.trim()).toBe(String(big.length));
  });

  it('keeps small files, and what is taken stays as it is', async () => {
    const files = await (await open()).files();
    const at = (name: string): string => join(host.directory, '..', name);
    expect(await files.read(at('none'))).toBeUndefined();
    expect(await files.makeFolder(at('made'), 0o700)).toBe(true);
    expect(await files.makeFolder(at('made'), 0o700)).toBe(false);
    await files.write(at('made/file'), 'text', 0o600);
    expect(await files.read(at('made/file'))).toBe('text');
    expect(await files.makeFolder(at('other'), 0o700)).toBe(true);
    await files.write(at('other/file'), 'other', 0o600);
    expect(await files.rename(at('other'), at('made'))).toBe(false);
    expect(await files.read(at('made/file'))).toBe('text');
    expect(await files.names(at('made'))).toEqual(['file']);
    expect((await refusal(files.write(at('none/file'), '', 0o600))).code).toBe('not_found');
  });

  it('listens for us on its loopback, and what comes there comes here', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    const session = await open();
    const { port: target } = server.address() as { port: number };
    const port = await session.forward(0, async () => ({ host: '127.0.0.1', port: target }));
    const socket = connect(port, '127.0.0.1');
    socket.end('there and back');
    let heard = '';
    for await (const part of socket) heard += part;
    expect(heard).toBe('there and back');
    expect((await refusal(session.forward(target, async () => Promise.reject()))).code).toBe(
      'port_busy',
    );
    server.close();
    const closed = connect(port, '127.0.0.1');
    for await (const _ of closed) throw new Error('nobody is there');
  });

  it('is lost when its session is cut, and whoever waits for something hears of it', async () => {
    const session = await open();
    const waiting = refusal(session.run(['sleep', '60']));
    const asking = session.files();
    await asking;
    host.cut();
    expect(await waiting).toMatchObject({ code: 'unreachable', retry: true });
    expect(await session.closed).not.toBe('');
    expect((await refusal(session.run(['true']))).code).toBe('unreachable');
  });
});

describe('who a host is', () => {
  it('is learned at first, before anything is said to it', async () => {
    const learned: HostKey[] = [];
    await open(placeOf(undefined, learned));
    expect(learned).toEqual([{ fingerprint: host.fingerprint, type: 'ssh-ed25519' }]);
  });

  it('does not change: another key is refused for good', async () => {
    const place = placeOf(pinned());
    await host.stop();
    const before = host.fingerprint;
    host.changeHostKey();
    await host.start();
    const why = await refusal(openPatiently(place, () => {}, never));
    expect(why).toMatchObject({ code: 'refused', retry: false });
    expect(why.text).toContain(`instead of ${before}`);
  });

  it('is no reason to trust a key that others can read, or that is not let in', async () => {
    const wrong = join(host.directory, '..', 'other_key');
    writeFileSync(wrong, 'no key');
    chmodSync(wrong, 0o644);
    const place = { ...placeOf(undefined), key: wrong };
    const open = (): Promise<Failure> => refusal(openPatiently(place, () => {}, never));
    expect(await open()).toMatchObject({ code: 'forbidden', retry: false });
    chmodSync(wrong, 0o600);
    expect(await open()).toMatchObject({ code: 'malformed', retry: false });
    rmSync(wrong);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', wrong]);
    expect(await open()).toMatchObject({ code: 'refused', retry: false });
  });
});

it('a host that is not up yet is waited for, and not longer than it is wanted', async () => {
  await host.stop();
  const told: string[] = [];
  const waits = openPatiently(
    placeOf(undefined),
    (why) => {
      told.push(why);
      if (told.length === 2) void host.start();
    },
    never,
  );
  opened.push(await waits);
  expect(told[0]).toMatch(/cannot be reached: .*ECONNREFUSED/);
  await host.stop();
  const given = new AbortController();
  const work = refusal(openPatiently(placeOf(undefined), () => given.abort(), given.signal));
  expect((await work).code).toBe('timeout');
});
