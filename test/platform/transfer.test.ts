import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DiskBlobs, openBlobs } from '../../src/platform/blobs.ts';
import { type AllowBlob, fetchBlob, sendBlob, serveBlobs } from '../../src/platform/transfer.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { type HubPair, hubPair } from './hub-pair.ts';
import { until } from './wait.ts';

let directory: string;
let pair: HubPair;
/** The blobs of the head, which serves them, and of the worker. */
let there: DiskBlobs;
let here: DiskBlobs;
let allow: AllowBlob;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'swm-transfer-'));
  there = await openBlobs(join(directory, 'there'));
  here = await openBlobs(join(directory, 'here'));
  allow = () => undefined;
  pair = hubPair();
  serveBlobs(there, (...wish) => allow(...wish))(pair.head);
});
afterEach(async () => {
  pair.end();
  await rm(directory, { recursive: true });
});

const refOf = (bytes: Uint8Array) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});
/** Compares as bytes: a matcher would take seconds for so many. */
const isSame = async ({ sha256 }: { readonly sha256: string }): Promise<boolean> =>
  (await readFile(there.path(sha256))).equals(await readFile(here.path(sha256)));
const never = new AbortController().signal;
const silent = () => {};

async function put(blobs: DiskBlobs, bytes: Uint8Array) {
  const path = join(directory, 'source');
  await writeFile(path, bytes);
  return blobs.putFile(path);
}

async function failure(promise: Promise<unknown>): Promise<object> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof Failed) return error.failure;
  throw error ?? new Error('it did not fail');
}

test('a blob and a file arrive whole, with their progress', async () => {
  const blob = await put(here, randomBytes(3_000_001));
  const seen: (readonly [number, number])[] = [];
  await sendBlob(pair.worker, here, blob, (done, total) => seen.push([done, total]), never);
  expect(await isSame(blob)).toBe(true);
  expect(seen[0]).toEqual([0, 3_000_001]);
  expect(seen.at(-1)).toEqual([3_000_001, 3_000_001]);
  const bytes = randomBytes(100_000);
  const path = join(directory, 'output');
  await writeFile(path, bytes);
  await sendBlob(pair.worker, path, refOf(bytes), silent, never);
  expect(await readFile(there.path(refOf(bytes).sha256))).toEqual(bytes);
});

test('an empty blob arrives, and one that is there is not sent again', async () => {
  const empty = await put(here, new Uint8Array(0));
  await sendBlob(pair.worker, here, empty, silent, never);
  expect(there.has(empty.sha256)).toBe(true);
  const blob = await put(there, randomBytes(2_000_000));
  const seen: number[] = [];
  await sendBlob(pair.worker, '/no/such/file', blob, (done) => seen.push(done), never);
  expect(seen).toEqual([2_000_000]);
});

test('an upload goes on over cut links', async () => {
  const blob = await put(here, randomBytes(20_000_000));
  let cuts = 0;
  await sendBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      if (done < (cuts + 1) * 3_000_000) return;
      cuts += 1;
      if (cuts % 2 === 0) pair.relink();
      else {
        pair.cut();
        setTimeout(() => pair.relink(), 5);
      }
    },
    never,
  );
  expect(cuts).toBe(6);
  expect(await isSame(blob)).toBe(true);
});

test('an upload goes on where the restarted receiver has it', async () => {
  const blob = await put(here, randomBytes(20_000_000));
  const starts: number[] = [];
  let last = 0;
  await sendBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      if (done < last || starts.length === 0) starts.push(done);
      last = done;
      if (starts.length > 1 || done < 15_000_000) return;
      const head = pair.rebornHead();
      openBlobs(join(directory, 'there')).then((blobs) => {
        there = blobs;
        serveBlobs(there, allow)(head);
        pair.relink();
      });
    },
    never,
  );
  expect(starts[0]).toBe(0);
  expect(starts[1]).toBeGreaterThan(0);
  expect(there.has(blob.sha256)).toBe(true);
});

test('a download goes on over cut links and from what a former life had', async () => {
  const bytes = randomBytes(20_000_000);
  const blob = await put(there, bytes);
  const life = new AbortController();
  const first = fetchBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      if (done > 5_000_000) life.abort();
    },
    life.signal,
  );
  await expect(first).rejects.toThrow(/abort/);
  await until('the head let go', () => pair.head.size === 0);
  const seen: number[] = [];
  let cuts = 0;
  await fetchBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      seen.push(done);
      if (done < 8_000_000 + cuts * 3_000_000) return;
      cuts += 1;
      pair.relink();
    },
    never,
  );
  expect(seen[0]).toBeGreaterThan(5_000_000);
  expect(cuts).toBeGreaterThan(2);
  expect(await isSame(blob)).toBe(true);
});

test('tasks that want the same blob at once share one download', async () => {
  const blob = await put(there, randomBytes(5_000_000));
  let opened = 0;
  allow = () => {
    opened += 1;
    return undefined;
  };
  await Promise.all([1, 2, 3].map(() => fetchBlob(pair.worker, here, blob, silent, never)));
  expect(opened).toBe(1);
  expect(here.has(blob.sha256)).toBe(true);
});

test('two that send the same blob both succeed', async () => {
  const blob = await put(here, randomBytes(5_000_000));
  await Promise.all([1, 2].map(() => sendBlob(pair.worker, here, blob, silent, never)));
  expect(there.has(blob.sha256)).toBe(true);
});

test('what arrived wrong is sent once more from its start', async () => {
  const blob = await put(here, randomBytes(1_000_000));
  const part = await there.writer(blob.sha256, blob.bytes);
  await part.write(Buffer.alloc(500_000, 1));
  await part.abandon();
  const starts: number[] = [];
  let last = Number.POSITIVE_INFINITY;
  await sendBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      if (done < last) starts.push(done);
      last = done;
    },
    never,
  );
  expect(starts).toEqual([500_000, 0]);
  expect(there.has(blob.sha256)).toBe(true);
});

test('a file that is not what was promised is refused, and nothing is kept', async () => {
  const path = join(directory, 'changed');
  await writeFile(path, 'what it was');
  const ref = refOf(Buffer.from('what it is!'));
  expect(await failure(sendBlob(pair.worker, path, ref, silent, never))).toMatchObject({
    code: 'input_corrupt',
  });
  expect(there.has(ref.sha256)).toBe(false);
  // A file that only grew, as a log does, is sent as far as was promised.
  await appendFile(path, ' and more');
  const was = refOf(Buffer.from('what it was'));
  await sendBlob(pair.worker, path, was, silent, never);
  expect(there.has(was.sha256)).toBe(true);
});

test('who may not is refused, and is asked for what it said', async () => {
  const asked: unknown[] = [];
  allow = (kind, wish, who) => {
    asked.push([kind, wish, who.id]);
    return { code: 'forbidden', text: 'not yours', retry: false };
  };
  const blob = await put(here, randomBytes(10));
  const forbidden = { code: 'forbidden', text: 'not yours' };
  expect(await failure(sendBlob(pair.worker, here, blob, silent, never))).toMatchObject(forbidden);
  const other = await put(there, randomBytes(10));
  expect(await failure(fetchBlob(pair.worker, here, other, silent, never))).toMatchObject(
    forbidden,
  );
  expect(asked).toEqual([
    ['blob.put', blob, 'w1'],
    ['blob.get', { sha256: other.sha256 }, 'w1'],
  ]);
});

test('a blob that is not there is not found, and bad wishes are malformed', async () => {
  const none = refOf(randomBytes(9));
  expect(await failure(fetchBlob(pair.worker, here, none, silent, never))).toMatchObject({
    code: 'not_found',
  });
  for (const [kind, body] of [
    ['blob.get', { sha256: '../../etc/passwd', offset: 0 }],
    ['blob.get', { sha256: none.sha256, offset: -1 }],
    ['blob.put', { sha256: none.sha256, bytes: 1.5 }],
    ['blob.put', { sha256: none.sha256.toUpperCase(), bytes: 1 }],
  ] as const) {
    expect(await failure(pair.worker.open(kind, body).accepted())).toMatchObject({
      code: 'malformed',
    });
  }
});

test('a cancelled transfer ends at once on both sides', async () => {
  const blob = await put(here, randomBytes(30_000_000));
  const cancel = new AbortController();
  const sending = sendBlob(
    pair.worker,
    here,
    blob,
    (done) => {
      if (done > 1_000_000) cancel.abort();
    },
    cancel.signal,
  );
  await expect(sending).rejects.toThrow(/abort/);
  await until('both forgot it', () => pair.head.size + pair.worker.size === 0);
  expect(there.has(blob.sha256)).toBe(false);
});
