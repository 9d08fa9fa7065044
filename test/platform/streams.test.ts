import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, expect, test } from 'vitest';
import type { Stream } from '../../src/platform/stream.ts';
import type { StreamRequest } from '../../src/platform/streams.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type HubPair, hubPair, serving } from './hub-pair.ts';
import { sleep, until } from './wait.ts';

let pair: HubPair;
const start = (changes?: Parameters<typeof hubPair>[0]): HubPair => {
  pair = hubPair(changes);
  return pair;
};
afterEach(() => pair.end());

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
  const asked = serving(pair, { there: 7 });
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
  const asked = serving(pair);
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
  const asked = serving(pair);
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
  const asked = serving(pair);
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

test('what was written before the accept does not hold up a larger window', async () => {
  start({ windowBytes: 100_000 });
  pair.head.serve('test', async ({ accept, stream }) => {
    await sleep(5);
    accept({}, 900_000);
    stream.pipe(stream);
  });
  const mine = pair.worker.open('test', {}, 900_000);
  mine.end(randomBytes(3_000_000));
  expect(await buffer(mine)).toHaveLength(3_000_000);
});

test('small writes of one moment ride in one frame', async () => {
  start();
  const asked = serving(pair);
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

test('opened and written without a link, it goes when there is one', async () => {
  start();
  const asked = serving(pair);
  pair.cut();
  const mine = pair.worker.open('test', {});
  mine.end('early');
  expect(pair.worker.attached).toBe(false);
  pair.relink();
  expect(String(await buffer((await asked).stream))).toBe('early');
});

test('a newer link takes the place of one that is still there, which is closed', async () => {
  start();
  const asked = serving(pair);
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
