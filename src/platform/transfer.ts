import { stat } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobRef, Progress } from '../actors/ports.ts';
import { Failed, type Failure, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Who } from '../protocol/who.ts';
import type { BlobWriter, DiskBlobs } from './blobs.ts';
import { chunksOf, openRegular } from './file-chunks.ts';
import { drained, type Stream } from './stream.ts';
import type { Hub, StreamRequest } from './streams.ts';

/**
 * Blobs over streams. `blob.put {sha256, bytes}` is accepted with `{offset}`, what is there
 * already; the sender goes on from there, and the clean end of the answer says that the blob is
 * whole and durable, a reset why not. `blob.get {sha256, offset}` is accepted with `{bytes}`, all
 * that there are, and sends the rest.
 */
export type BlobStore = Pick<DiskBlobs, 'has' | 'path' | 'writer' | 'read'> & {
  /** Whether it is there, if need be after it was brought from elsewhere. */
  readonly find?: (sha256: string) => Promise<boolean>;
};

export type BlobWish = { readonly sha256: string; readonly bytes?: number };

/** Why not, if somebody may not put or get that blob. */
export type AllowBlob = (
  kind: 'blob.put' | 'blob.get',
  wish: BlobWish,
  who: Who,
) => Failure | undefined;

type Upload = { readonly hub: Hub; readonly stream: Stream; readonly over: Promise<void> };

/** Lets hubs put blobs into a store and get them from it: call what it returns for each. */
export function serveBlobs(blobs: BlobStore, allow: AllowBlob): (hub: Hub) => void {
  const uploads = new Map<string, Upload>();
  return (hub) => {
    hub.serve('blob.put', (request) => takeBlob(hub, request, blobs, allow, uploads));
    hub.serve('blob.get', (request) => giveBlob(request, blobs, allow));
  };
}

/** Sends a blob of the store, or the bytes of a file, until the peer has it, whatever is cut. */
export function sendBlob(
  hub: Hub,
  from: BlobStore | string,
  ref: BlobRef,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  return persist(signal, async (stop, at) => {
    const { sha256, bytes } = ref;
    const stream = hub.open('blob.put', { sha256, bytes }, limits.blobWindowBytes);
    stop(stream);
    let done = countOf(await stream.accepted(), 'offset');
    at(done);
    progress(done, bytes);
    if (done < bytes)
      for await (const chunk of bytesFrom(from, ref, done)) {
        if (!stream.write(chunk)) await drained(stream);
        done += chunk.length;
        progress(done, bytes);
      }
    stream.end();
    for await (const _ of stream);
  });
}

/** Brings a blob of the peer into the store, going on from what is there, and checks it. */
export function fetchBlob(
  hub: Hub,
  blobs: BlobStore,
  ref: BlobRef,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { sha256, bytes } = ref;
  return persist(signal, async (stop, at) => {
    const writer = await writerFor(blobs, ref, signal);
    at(writer.offset);
    await filled(writer, async () => {
      if (writer.offset === bytes) return;
      const wish = { sha256, offset: writer.offset };
      const stream = hub.open('blob.get', wish, limits.blobWindowBytes);
      stop(stream);
      stream.end();
      await pipeline(
        stream,
        sinkOf(writer, () => progress(writer.offset, bytes)),
      );
    });
    progress(bytes, bytes);
  });
}

/** How long a blob of the peer is. Throws `Failed` not_found. */
export async function sizeOfBlob(hub: Hub, sha256: string): Promise<number> {
  const stream = hub.open('blob.get', { sha256, offset: 0 });
  try {
    return countOf(await stream.accepted(), 'bytes');
  } finally {
    stream.destroy();
  }
}

async function takeBlob(
  hub: Hub,
  { kind, body, who, stream, accept }: StreamRequest,
  blobs: BlobStore,
  allow: AllowBlob,
  uploads: Map<string, Upload>,
): Promise<void> {
  const sha256 = sumOf(body);
  const bytes = countOf(body, 'bytes');
  refuse(allow(kind as 'blob.put', { sha256, bytes }, who));
  while (uploads.has(sha256)) await givenWay(uploads.get(sha256) as Upload);
  const over = Promise.withResolvers<void>();
  uploads.set(sha256, { hub, stream, over: over.promise });
  try {
    const writer = await blobs.writer(sha256, bytes);
    await filled(writer, async () => {
      accept({ offset: writer.offset }, limits.blobWindowBytes);
      await pipeline(
        stream,
        sinkOf(writer, () => {}),
      );
    });
  } finally {
    uploads.delete(sha256);
    over.resolve();
  }
  stream.end();
}

/** Waits for an upload of the same blob; one whose link is cut must give way at once. */
async function givenWay({ hub, stream, over }: Upload): Promise<void> {
  if (!hub.attached) stream.destroy(new Failed('busy', 'somebody else sends this blob'));
  const look = new AbortController();
  await Promise.race([over, sleep(1_000, undefined, { ref: false, signal: look.signal })]);
  look.abort();
}

async function giveBlob(
  { kind, body, who, stream, accept }: StreamRequest,
  blobs: BlobStore,
  allow: AllowBlob,
): Promise<void> {
  const sha256 = sumOf(body);
  const offset = countOf(body, 'offset');
  refuse(allow(kind as 'blob.get', { sha256 }, who));
  if (!(await blobs.find?.(sha256)) && !blobs.has(sha256))
    throw new Failed('not_found', `the blob ${sha256} is not here`);
  const bytes = (await stat(blobs.path(sha256))).size;
  if (offset > bytes) throw new Malformed('$.offset', `at most ${bytes}`);
  accept({ bytes }, limits.blobWindowBytes);
  stream.resume();
  for await (const chunk of blobs.read(sha256, offset))
    if (!stream.write(chunk)) await drained(stream);
  stream.end();
}

/** Lets a writer be filled and finishes it; what came is kept for the next try if it breaks. */
async function filled(writer: BlobWriter, fill: () => Promise<void>): Promise<void> {
  try {
    await fill();
    await writer.finish();
  } finally {
    await writer.abandon();
  }
}

/** Gathers what arrives while a write is under way into one buffer, for the next write. */
export function sinkOf(writer: BlobWriter, progress: () => void): Writable {
  const buffer = Buffer.allocUnsafeSlow(limits.blobWriteBytes);
  const put = async (chunks: readonly { readonly chunk: Buffer }[]): Promise<void> => {
    let used = 0;
    for (const { chunk } of chunks)
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.copy(buffer, used, at);
        used += part;
        at += part;
        if (used < buffer.length) continue;
        await writer.write(buffer);
        used = 0;
      }
    await writer.write(buffer.subarray(0, used));
    progress();
  };
  return new Writable({
    highWaterMark: limits.blobWriteBytes,
    writev: (chunks, done) => void put(chunks).then(() => done(), done),
  });
}

/** A blob that another task of this node fetches is waited for. */
async function writerFor(
  blobs: BlobStore,
  { sha256, bytes }: BlobRef,
  signal: AbortSignal,
): Promise<BlobWriter> {
  for (;;) {
    try {
      return await blobs.writer(sha256, bytes);
    } catch (error) {
      if (!(error instanceof Failed) || error.failure.code !== 'busy') throw error;
    }
    await sleep(100, undefined, { signal });
  }
}

async function* bytesFrom(
  from: BlobStore | string,
  { sha256, bytes }: BlobRef,
  offset: number,
): AsyncGenerator<Uint8Array> {
  if (typeof from !== 'string') return yield* from.read(sha256, offset);
  const file = await openRegular(from);
  try {
    yield* chunksOf(file, offset, bytes);
  } finally {
    await file.close();
  }
}

/** After these, the same transfer may go on over another stream. */
const passing: readonly unknown[] = ['busy', 'stopping', 'unreachable', 'lost', 'timeout'];

type Try = (stop: (stream: Stream) => void, at: (offset: number) => void) => Promise<void>;

/** Tries until it is done, or until limits.transferTriesMax tries in a row got no further. */
async function persist(signal: AbortSignal, go: Try): Promise<void> {
  let furthest = 0;
  let corrupt = false;
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    let stream: Stream | undefined;
    const abort = (): void => void stream?.destroy(new Failed('refused', 'it was cancelled'));
    signal.addEventListener('abort', abort);
    try {
      await go(
        (opened) => {
          stream = opened;
        },
        (offset) => {
          if (offset > furthest) tries = 1;
          furthest = Math.max(furthest, offset);
        },
      );
      return;
    } catch (error) {
      stream?.destroy();
      signal.throwIfAborted();
      const code = error instanceof Failed ? error.failure.code : undefined;
      const again = passing.includes(code) || (code === 'input_corrupt' && !corrupt);
      if (!again || tries >= limits.transferTriesMax) throw error;
      corrupt ||= code === 'input_corrupt';
    } finally {
      signal.removeEventListener('abort', abort);
    }
    await sleep(Math.min(50 * 2 ** tries, 5_000), undefined, { signal });
  }
}

function refuse(why: Failure | undefined): void {
  if (why) throw new Failed(why.code, why.text, why.retry);
}

function sumOf(body: unknown): string {
  const { sha256 } = body as { readonly sha256?: unknown };
  if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new Malformed('$.sha256', '64 lower-case hexadecimal digits');
}

function countOf(body: unknown, name: string): number {
  const count = (body as Readonly<Record<string, unknown>>)[name];
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw new Malformed(`$.${name}`, 'a count of bytes');
}
