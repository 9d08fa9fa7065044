import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, expect, test } from 'vitest';
import type { Stream } from '../../src/platform/stream.ts';
import type { StreamRequest } from '../../src/platform/streams.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type HubPair, hubPair } from './hub-pair.ts';
import { sleep, until } from './wait.ts';

let pair: HubPair;
const start = (changes?: Parameters<typeof hubPair>[0]): HubPair => {
  pair = hubPair(changes);
  return pair;
};
afterEach(() => pair.end());

/** Accepts streams of kind `test` at the head, and hands each over. */
function serving(answer: object = {}): Promise<StreamRequest> {
  return new Promise((resolve) => {
    pair.head.serve('test', (request) => {
      request.accept(answer);
      resolve(request);
    });
  });
}

async function failure(promise: Promise<unknown>): Promise<object> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason) => reason,
  );
  if (error instanceof Failed) return error.failure;
  throw error;
}

const failureOfStream = async (stream: Stream): Promise<object> => {
  if (!stream.closed) await once(stream, 'close').catch(() => {});
  return (stream.errored as Failed).failure;
};

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes in pieces of uneven sizes, some of one byte. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, turn = 1; at < bytes.length; turn += 1) {
    const length = [1, 100, 70_000, 9_000, 300_000][turn % 5] as number;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

test('bytes go both ways, with what was asked and answered', async () => {
  start();
  const asked = serving({ there: 7 });
  const mine = pair.worker.open('test', { file: 'x' });
  mine.end('to the head');
  expect(await mine.accepted()).toEqual({ there: 7 });
  const { stream: theirs, body, who, kind } = await asked;
  expect({ body, who, kind }).toEqual({
    body: { file: 'x' },
    who: { door: 'worker', id: 'w1' },
    kind: 'test',
  });
  expect((await buffer(theirs)).toString()).toBe('to the head');
  theirs.end('to the worker');
  expect((await buffer(mine)).toString()).toBe('to the worker');
  await until('both forgot it', () => pair.head.size + pair.worker.size === 0);
});

test('every byte arrives once, though the link is cut again and again', async () => {
  start();
  const asked = serving();
  const up = randomBytes(12 << 20);
  const down = randomBytes(5 << 20);
  const mine = pair.worker.open('test', {});
  let cuts = 0;
  const cutting = setInterval(() => {
    cuts += 1;
    if (cuts % 3 === 0) pair.cut();
    else pair.relink();
  }, 7);
  try {
    const { stream: theirs } = await asked;
    const [gotUp, gotDown] = await Promise.all([
      buffer(theirs),
      buffer(mine),
      pipeline(Readable.from(pieces(up)), mine, { end: true }),
      pipeline(Readable.from(pieces(down)), theirs, { end: true }),
    ]);
    expect(sha(gotUp)).toBe(sha(up));
    expect(sha(gotDown)).toBe(sha(down));
    expect(cuts).toBeGreaterThan(3);
  } finally {
    clearInterval(cutting);
  }
  pair.relink();
  await until('both forgot it', () => pair.head.size + pair.worker.size === 0);
});

test('one direction goes on when the other has ended', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  mine.end();
  const { stream: theirs } = await asked;
  expect(await buffer(theirs)).toHaveLength(0);
  theirs.write('still');
  expect(String((await once(mine, 'data'))[0])).toBe('still');
  expect(pair.worker.size).toBe(1);
  theirs.end();
  mine.resume();
  await until('both forgot it', () => pair.head.size + pair.worker.size === 0);
});

test('a slow reader slows only its own stream, and all of it is kept within bounds', async () => {
  start();
  const requests: StreamRequest[] = [];
  pair.head.serve('test', (request) => {
    request.accept();
    requests.push(request);
  });
  const slow = pair.worker.open('test', {});
  const fast = pair.worker.open('test', {});
  const bytes = randomBytes(8 << 20);
  let taken = 0;
  const writing = pipeline(
    Readable.from(pieces(bytes)).map((piece: Buffer) => {
      taken += piece.length;
      return piece;
    }),
    slow,
  );
  fast.end(bytes);
  await until('both are there', () => requests.length === 2);
  const [slowly, quickly] = requests.map((request) => request.stream) as [Stream, Stream];
  expect(sha(await buffer(quickly))).toBe(sha(bytes));
  const bound = limits.streamWindowBytes + 4 * (256 << 10) + 600_000;
  expect(taken).toBeLessThan(bound);
  const reading = buffer(slowly);
  slowly.end();
  quickly.end();
  slow.resume();
  fast.resume();
  expect(sha(await reading)).toBe(sha(bytes));
  await writing;
});

test('a stream is finished only when its reader has taken all', async () => {
  start({ windowBytes: 1_000_000 });
  const asked = serving();
  const mine = pair.worker.open('test', {});
  let finished = false;
  mine.end(randomBytes(900_000), () => {
    finished = true;
  });
  const { stream: theirs } = await asked;
  await sleep(30);
  expect(finished).toBe(false);
  expect(await buffer(theirs)).toHaveLength(900_000);
  await until('it is finished', () => finished);
});

test('small writes of one moment ride in one frame', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  await mine.accepted();
  let frames = 0;
  const { near } = pair.link;
  const send = near.send.bind(near);
  near.send = (frame) => {
    frames += 1;
    return send(frame);
  };
  for (let count = 0; count < 1_000; count += 1) mine.write('x');
  mine.end();
  const { stream: theirs } = await asked;
  expect(await buffer(theirs)).toHaveLength(1_000);
  expect(frames).toBeLessThan(10);
});

test('an unknown kind, a refusal and a bug end their own stream only', async () => {
  start();
  pair.head.serve('no', () => {
    throw new Failed('forbidden', 'not for you');
  });
  pair.head.serve('later', async () => {
    await sleep(1);
    throw new Failed('busy', 'come again');
  });
  pair.head.serve('bug', () => {
    throw new TypeError('secret detail');
  });
  const asked = serving();
  const good = pair.worker.open('test', {});
  expect(await failure(pair.worker.open('nobody', {}).accepted())).toMatchObject({
    code: 'not_found',
    text: 'nothing here serves streams of kind nobody',
  });
  expect(await failure(pair.worker.open('no', {}).accepted())).toEqual({
    code: 'forbidden',
    text: 'not for you',
    retry: false,
  });
  expect(await failure(pair.worker.open('later', {}).accepted())).toMatchObject({
    code: 'busy',
    retry: true,
  });
  const bug = await failure(pair.worker.open('bug', {}).accepted());
  expect(bug).toMatchObject({ code: 'bug' });
  expect(JSON.stringify(bug)).not.toContain('secret');
  expect(pair.notes.join()).toContain('secret detail');
  good.end('alive');
  expect(String(await buffer((await asked).stream))).toBe('alive');
});

test('destroying one end resets the other with its reason', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  const { stream: theirs } = await asked;
  theirs.destroy(new Failed('disk_full', 'no room in /spool'));
  expect(await failureOfStream(mine)).toMatchObject({
    code: 'disk_full',
    text: 'no room in /spool',
  });
  const second = pair.worker.open('test', {});
  await second.accepted();
  second.destroy();
  await until('it is gone there too', () => pair.head.size === 0);
});

test('opened and written without a link, it goes when there is one', async () => {
  start();
  const asked = serving();
  pair.cut();
  const mine = pair.worker.open('test', {});
  mine.end('early');
  expect(pair.worker.attached).toBe(false);
  pair.relink();
  expect(String(await buffer((await asked).stream))).toBe('early');
});

test('a newer link takes the place of one that is still there, which is closed', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  const { stream: theirs } = await asked;
  let why = '';
  pair.link.near.onClosed((reason) => {
    why = reason;
  });
  pair.relink({ cutting: false });
  mine.end('over the newer');
  expect(String(await buffer(theirs))).toBe('over the newer');
  expect(why).toBe('a newer link took its place');
});

test('a stream whose link does not come back in time is reset on both sides', async () => {
  start({ resumeMs: 40 });
  const asked = serving();
  const mine = pair.worker.open('test', {});
  const { stream: theirs } = await asked;
  pair.cut();
  expect(await failureOfStream(mine)).toMatchObject({ code: 'unreachable', retry: true });
  expect(await failureOfStream(theirs)).toMatchObject({ code: 'unreachable' });
  expect([pair.head.size, pair.worker.size]).toEqual([0, 0]);
});

test('the streams of a process that is gone are reset by its successor', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  mine.write('x');
  await mine.accepted();
  (await asked).stream.resume();
  pair.rebornHead();
  pair.relink();
  expect(await failureOfStream(mine)).toMatchObject({ code: 'lost', retry: true });
});

test('a closed hub resets what is open and opens nothing more', async () => {
  start();
  const asked = serving();
  const mine = pair.worker.open('test', {});
  await asked;
  const why = { code: 'stopping', text: 'the head stops', retry: true } as const;
  pair.head.close(why);
  expect(await failureOfStream(mine)).toEqual(why);
  expect(() => pair.head.open('test', {})).toThrow('the head stops');
  expect(await failure(pair.worker.open('test', {}).accepted())).toEqual(why);
});
