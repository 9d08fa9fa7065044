import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { notifyKey } from '../../src/platform/notify-key.ts';
import { notifyRules } from '../../src/platform/notify-rules.ts';
import { openPoster, signatureOf } from '../../src/platform/poster.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { makePki } from './pki.ts';

const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

/** The port of a server that is closed with the test, with all that is open there. */
async function listening(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  });
  servers.push(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

type Got = { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string };

/** A server that keeps what it is sent, and answers as told. */
async function receiver(answer: RequestListener = (_, response) => void response.end()) {
  const got: Got[] = [];
  const port = await listening(
    createServer((request, response) => {
      let body = '';
      request.on('data', (part) => (body += part));
      request.on('end', () => {
        got.push({ url: request.url ?? '', headers: request.headers, body });
        answer(request, response);
      });
    }),
  );
  return { got, port, url: `http://127.0.0.1:${port}/` };
}

const rules = notifyRules(['127.0.0.0/8:*']);
const KEY = 'a key of sixteen or more';
const us = { key: async () => KEY, agent: 'swm/1.2.3' };
const poster = openPoster({ rules, ...us, ms: 400 });
const never = new AbortController().signal;
const posting = (url: string, body = '{"state":"F"}') => ({ url, body, delivery: 'job.1' });
const outcome = (url: string, with_ = poster, signal = never): Promise<string> =>
  with_.post(posting(url), signal).then(
    () => 'told',
    (error: Failed) => {
      expect(error).toBeInstanceOf(Failed);
      const { code, text, retry } = error.failure;
      return `${code}${retry ? '' : ', for good'}: ${text}`;
    },
  );

describe('a change that is told', () => {
  it('is a signed request, which says what it is and nothing more', async () => {
    const { got, url, port } = await receiver();
    const body = '{"name":"größer"}';
    await poster.post(posting(`${url}a/b?c=d#e`, body), never);
    expect(got).toEqual([
      {
        url: '/a/b?c=d',
        body,
        headers: {
          host: `127.0.0.1:${port}`,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'user-agent': us.agent,
          'swm-delivery': 'job.1',
          'swm-signature': signatureOf(KEY, body),
          connection: 'close',
        },
      },
    ]);
    // As `openssl dgst -sha256 -hmac` has it.
    expect(signatureOf('0123456789abcdef', 'x')).toBe(
      'sha256=68f4d9c04881bab754f229e82dee00ccf8d9f6a7cf98125ac5e8254d6cd3cc3f',
    );
  });

  it('goes to the address that was allowed, and no name is looked up a second time', async () => {
    const { got, port } = await receiver();
    const pinned = openPoster({
      rules: { addressOf: async () => '127.0.0.1' },
      ...us,
    });
    const host = `rebinding.invalid:${port}`;
    expect(await outcome(`http://${host}/`, pinned)).toBe('told');
    expect(got[0]?.headers.host).toBe(host);
  });

  it('goes nowhere else', async () => {
    const { got, port } = await receiver();
    const strict = openPoster({ rules: notifyRules([`localhost:${port}`]), ...us });
    for (const host of ['127.0.0.1', 'localhost'])
      expect(await outcome(`http://${host}:${port}/`, strict)).toMatch(/^forbidden, for good/);
    await expect(strict.check(`http://127.0.0.1:${port}/`)).rejects.toThrow('notify.allow');
    expect(got).toEqual([]);
  });

  it('is not led on', async () => {
    const other = await receiver();
    const first = await receiver((_, response) =>
      response.writeHead(307, { location: other.url }).end(),
    );
    expect(await outcome(first.url)).toBe('refused: it answered with status 307');
    expect(other.got).toEqual([]);
  });

  it('is not taken by whoever says something else than that', async () => {
    for (const status of [300, 404, 410, 429, 500]) {
      const { url } = await receiver((_, response) => response.writeHead(status).end('no'));
      expect(await outcome(url)).toBe(`refused: it answered with status ${status}`);
    }
  });

  it.each([
    ['says nothing', () => {}, /^timeout: .* did not answer within 0.4 s$/],
    ['says that it goes on, for ever', drips('HTTP/1.1 100 Continue\r\n\r\n'), /^timeout: /],
    ['never comes to an end of its headers', drips('x: y\r\n', 'HTTP/1.1 200 OK\r\n'), /^timeout/],
    ['hangs up', (socket: Socket) => socket.end(), /^unreachable: /],
    ['breaks off', (socket: Socket) => socket.resetAndDestroy(), /^unreachable: /],
    ['speaks otherwise', (socket: Socket) => socket.end('\0SSH-2.0-x\r\n'), /^unreachable: /],
    [
      'says more than anybody reads',
      (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1 << 20)}\r\n\r\n`),
      /^unreachable: .*Header overflow/,
    ],
  ])('is tried again where one %s', async (_, serve, why) => {
    const port = await listening(
      createTcp((socket) => {
        socket.resume().once('data', () => serve(socket));
      }),
    );
    expect(await outcome(`http://127.0.0.1:${port}/`)).toMatch(why);
  });

  it('waits for no more than the status', async () => {
    const { url } = await receiver((_, response) => {
      response.writeHead(200).flushHeaders();
      const endless = 'x'.repeat(1 << 16);
      const more = (): void => void (response.destroyed || response.write(endless, more));
      more();
    });
    expect(await outcome(url)).toBe('told');
  });

  it('is not told to whom nobody vouches for', async () => {
    const pki = await makePki();
    const { shown: cert, key } = await pki.node('head', '127.0.0.1');
    const got: string[] = [];
    const port = await listening(
      createTls({ cert, key }, (request, response) => {
        got.push(request.url ?? '');
        response.end();
      }),
    );
    const url = `https://127.0.0.1:${port}/`;
    expect(await outcome(url)).toMatch(/^unreachable: /);
    const usual = getCACertificates();
    setDefaultCACertificates([pki.authority.certificate]);
    try {
      // Vouched for, but as somebody else.
      expect(await outcome(`https://127.0.0.2:${port}/`)).toMatch(/^unreachable: /);
      expect(got).toEqual([]);
      expect(await outcome(url)).toBe('told');
    } finally {
      setDefaultCACertificates(usual);
    }
  });

  it('waits its turn at a receiver that is slow, and nobody else does', async () => {
    const held: (() => void)[] = [];
    const slow = await receiver((_, response) => void held.push(() => response.end()));
    const quick = await receiver();
    const patient = openPoster({ rules, ...us });
    const all = Array.from({ length: limits.heraldPostsMax }, () => outcome(slow.url, patient));
    const leaving = new AbortController();
    const left = outcome(slow.url, patient, leaving.signal);
    const next = outcome(slow.url, patient);
    await expect.poll(() => held.length).toBe(limits.heraldPostsMax);
    expect(await outcome(quick.url, patient)).toBe('told');
    leaving.abort();
    expect(await left).toMatch(/^unreachable: /);
    expect(slow.got).toHaveLength(limits.heraldPostsMax);
    held.shift()?.();
    await expect.poll(() => held.length).toBe(limits.heraldPostsMax);
    for (const go of held) go();
    expect(new Set(await Promise.all([...all, next]))).toEqual(new Set(['told']));
  });
});

/** Says the same again and again. */
function drips(text: string, begin = '') {
  return (socket: Socket): void => {
    socket.write(begin);
    const timer = setInterval(() => socket.write(text), 20);
    socket.on('close', () => clearInterval(timer));
  };
}

describe('the key of the signatures', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const path of folders.splice(0)) await rm(path, { recursive: true });
  });
  const place = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'swm-key-'));
    folders.push(folder);
    return join(folder, 'deep', 'notify.key');
  };

  it('is made once, for nobody else to read, and the same by all heads', async () => {
    const [one, two] = [await place(), await place()];
    const key = await notifyKey(one, () => 'root');
    expect((await stat(one)).mode & 0o777).toBe(0o600);
    expect(await readFile(one, 'utf8')).toBe(`${key}\n`);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await notifyKey(two, () => 'root')).toBe(key);
    expect(await notifyKey(one, () => 'another')).toBe(key);
    expect(await notifyKey(await place(), () => 'another')).not.toBe(key);
  });

  it('may be given, if it is one and nobody else can read it', async () => {
    const path = await place();
    await notifyKey(path, () => 'root');
    await writeFile(path, `${KEY}\n`);
    expect(await notifyKey(path, () => 'root')).toBe(KEY);
    await writeFile(path, 'short\n');
    await expect(notifyKey(path, () => 'root')).rejects.toThrow('less than 16');
    await writeFile(path, KEY);
    await chmod(path, 0o640);
    await expect(notifyKey(path, () => 'root')).rejects.toThrow('others may read');
  });
});
