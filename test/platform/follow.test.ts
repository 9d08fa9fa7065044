import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FollowOrder, type LogSource, serveFollow } from '../../src/platform/follow.ts';
import { passOn } from '../../src/platform/relay.ts';
import type { Stream } from '../../src/platform/stream.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { type HubPair, hubPair } from './hub-pair.ts';
import { until } from './wait.ts';

let directory: string;
let path: string;
let pair: HubPair;
let orders: FollowOrder[];
/** Says that nothing is added to the log any more. */
let end: () => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'swm-follow-'));
  path = join(directory, 'logs', 'stdout.log');
  pair = hubPair();
  orders = [];
  let final = false;
  const waiting = new Set<() => void>();
  end = () => {
    final = true;
    for (const then of waiting) then();
  };
  const source: LogSource = {
    path,
    isFinal: () => final,
    onFinal(then) {
      waiting.add(then);
      return () => void waiting.delete(then);
    },
  };
  serveFollow(pair.head, (order) => {
    orders.push(order);
    if (order.job === 'unknown') throw new Failed('not_found', 'no such job');
    return source;
  });
});
afterEach(async () => {
  pair.end();
  await rm(directory, { recursive: true });
});

const asked = { job: 'j1', attempt: 2, rank: 0, stream: 'stdout', offset: 0, follow: true };

/** Follows the log, with what has come so far. */
function reading(change: Partial<typeof asked> = {}): { stream: Stream; text: () => string } {
  const stream = pair.worker.open('log.follow', { ...asked, ...change });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end();
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

async function write(text: string | Uint8Array): Promise<void> {
  await mkdir(join(directory, 'logs'), { recursive: true });
  await writeFile(path, text);
}

test('what is added is seen, to the last byte, and then it ends', async () => {
  await write('one ');
  const { stream, text } = reading();
  await until('the first', () => text() === 'one ');
  await appendFile(path, 'two ');
  await until('the second', () => text() === 'one two ');
  await appendFile(path, 'three');
  end();
  await once(stream, 'end');
  expect(text()).toBe('one two three');
  expect(orders).toEqual([asked]);
  await until('both forgot it', () => pair.head.size + pair.worker.size === 0);
});

test('a large log that grows while it is read is read whole, over cut links', async () => {
  const bytes = randomBytes(6_000_000);
  await write(bytes.subarray(0, 3_000_000));
  const stream = pair.worker.open('log.follow', asked);
  stream.end();
  const whole = buffer(stream);
  for (let at = 3_000_000; at < bytes.length; at += 300_000) {
    await appendFile(path, bytes.subarray(at, at + 300_000));
    pair.relink();
  }
  end();
  expect((await whole).equals(bytes)).toBe(true);
});

test('it starts at an offset, also at one that is not written yet', async () => {
  await write('0123456789');
  const { text } = reading({ offset: 7 });
  await until('the rest', () => text() === '789');
  const later = reading({ offset: 12 });
  await appendFile(path, 'abcdef');
  await until('what comes behind', () => later.text() === 'cdef');
  end();
});

test('without following it ends at the end that is there', async () => {
  await write('so far');
  const { stream, text } = reading({ follow: false });
  await once(stream, 'end');
  expect(text()).toBe('so far');
});

test('a log that is not there yet is waited for', async () => {
  const { stream, text } = reading();
  await stream.accepted();
  await write('late');
  await until('it is there', () => text() === 'late');
  end();
  await once(stream, 'end');
});

test('a log that never was is empty', async () => {
  const { stream, text } = reading();
  await stream.accepted();
  end();
  await once(stream, 'end');
  expect(text()).toBe('');
});

test('a log that is cut off or replaced is read from its new start', async () => {
  await write('before');
  const { stream, text } = reading({ offset: 2 });
  await until('the old', () => text() === 'fore');
  await truncate(path);
  await appendFile(path, 'x');
  await until('the new', () => text() === 'forex');
  await writeFile(`${path}.new`, 'another file');
  await rename(`${path}.new`, path);
  await until('the other', () => text() === 'forexanother file');
  await appendFile(path, '!');
  end();
  await once(stream, 'end');
  expect(text()).toBe('forexanother file!');
});

test('a log that is a link to another file is not followed', async () => {
  await write('');
  await rm(path);
  await symlink('/etc/passwd', path);
  const { stream, text } = reading();
  await once(stream, 'close').catch(() => {});
  expect((stream.errored as Failed).failure.code).toBe('refused');
  expect(text()).toBe('');
});

test('nothing is left of a follower that goes away', async () => {
  await write('x');
  const { stream, text } = reading();
  await until('it reads', () => text() === 'x');
  stream.destroy();
  await until('the head let go', () => pair.head.size === 0);
  await appendFile(path, 'y');
  expect(pair.notes).toEqual([]);
});

test('orders that make no sense, and unknown jobs, are refused', async () => {
  const refusal = async (change: object) => {
    const stream = pair.worker.open('log.follow', { ...asked, ...change });
    const error: unknown = await stream.accepted().catch((reason: unknown) => reason);
    return (error as Failed).failure.code;
  };
  expect(await refusal({ job: 7 })).toBe('malformed');
  expect(await refusal({ stream: '../stdin' })).toBe('malformed');
  expect(await refusal({ offset: -1 })).toBe('malformed');
  expect(await refusal({ follow: 'yes' })).toBe('malformed');
  expect(await refusal({ job: 'unknown' })).toBe('not_found');
});

test('a head passes a follower on to the worker that has the log', async () => {
  const outer = hubPair();
  try {
    outer.head.serve('log.follow', (request) =>
      passOn(request, pair.worker.open('log.follow', { ...asked, ...(request.body as object) })),
    );
    await write('from afar');
    const stream = outer.worker.open('log.follow', { offset: 5 });
    stream.end();
    const text = buffer(stream);
    await stream.accepted();
    end();
    expect(String(await text)).toBe('afar');
    const refused = outer.worker.open('log.follow', { job: 'unknown' });
    await expect(refused.accepted()).rejects.toThrow('no such job');
    await until('all forgot it', () => pair.head.size + outer.head.size + outer.worker.size === 0);
  } finally {
    outer.end();
  }
});
