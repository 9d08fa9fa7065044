import { createHash, type Hash, randomUUID } from 'node:crypto';
import { rmSync, statSync, utimesSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobRef, Blobs } from '../actors/ports.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { Millis } from '../runtime/ports.ts';
import { diskFailed, errno, syncDirectory } from './disk.ts';
import { chunksOf, feed, openRegular, writeAll } from './file-chunks.ts';

/** A blob on its way in. What was written is kept over an `abandon`, and over the process's end. */
export interface BlobWriter {
  /** Bytes that are there already; the next `write` goes on from here. */
  readonly offset: number;
  /** Appends, one call at a time. Throws `Failed` input_corrupt beyond the promised length. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Checks length and sum, and resolves when the blob is durable under its name. Throws `Failed`
   * input_corrupt, with the part removed, when it is not what was promised.
   */
  finish(): Promise<void>;
  /** Leaves the part for a later writer to go on with. */
  abandon(): Promise<void>;
}

/**
 * The blobs of this node: files named by the SHA-256 of their bytes, never changed. One that `has`
 * or `writer` found is kept by sweeps as if it had been written then.
 */
export interface DiskBlobs extends Blobs {
  /** Where a blob is or would be. Throws `Malformed` for what is no lower-case SHA-256 in hex. */
  path(sha256: string): string;
  /** Goes on with a blob, or has nothing to do if it is there. One writer a blob: else busy. */
  writer(sha256: string, bytes: number): Promise<BlobWriter>;
  /** The bytes from `offset`, in chunks of at most `limits.blobChunkBytes`. Throws not_found. */
  read(sha256: string, offset: number): AsyncIterable<Uint8Array>;
  /** Copies a regular file in; what is added to it meanwhile is left out. No link is followed. */
  putFile(path: string, owner?: number): Promise<BlobRef>;
  /** Removes blobs and parts that `keep` does not name and that nobody touched for so long. */
  sweep(keep: Kept, olderThanMs: Millis, now: Millis): Promise<Swept>;
}

/** What a sweep leaves alone, however old it is. */
export type Kept = { has(sha256: string): boolean };

export type Swept = { readonly blobs: number; readonly bytes: number };

type Place = {
  readonly directory: string;
  readonly parts: string;
  /** Blobs that are being written now. */
  readonly writing: Set<string>;
};

/** Parts lie in a folder that no blob can: folders of blobs have names of two digits. */
const PARTS = 'parts';
const FOLDER = /^[0-9a-f]{2}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const FILE_MODE = 0o600;

/** Opens the folder of blobs, or makes it. Throws `Failed`. */
export async function openBlobs(directory: string): Promise<DiskBlobs> {
  const place: Place = { directory, parts: join(directory, PARTS), writing: new Set() };
  try {
    await mkdir(place.parts, { recursive: true, mode: 0o700 });
    await syncDirectory(directory);
  } catch (error) {
    throw diskFailed(error, directory, 'Opening the blobs');
  }
  return {
    has: (sha256) => touch(pathOf(place, sha256)),
    path: (sha256) => pathOf(place, sha256),
    writer: (sha256, bytes) => openWriter(place, sha256, bytes),
    read: (sha256, offset) => readBlob(pathOf(place, sha256), offset),
    putFile: (path, owner) => putFile(place, path, owner),
    sweep: (keep, olderThanMs, now) => sweep(place, keep, now - olderThanMs),
  };
}

function pathOf(place: Place, sha256: string): string {
  if (!SHA256.test(sha256)) throw new Malformed('sha256', '64 lower-case hexadecimal digits');
  return join(place.directory, sha256.slice(0, 2), sha256);
}

async function openWriter(place: Place, sha256: string, bytes: number): Promise<BlobWriter> {
  const path = pathOf(place, sha256);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Malformed('bytes', 'a count');
  if (touch(path)) return doneWriter(bytes);
  if (place.writing.has(sha256))
    throw new Failed('busy', `The blob ${sha256} is being written already.`);
  place.writing.add(sha256);
  const part = join(place.parts, sha256);
  let file: FileHandle | undefined;
  try {
    file = await open(part, 'a+', FILE_MODE);
    const hash = createHash('sha256');
    const there = (await file.stat()).size;
    if (there > bytes) await file.truncate(0);
    const offset = there > bytes ? 0 : await feed(file, hash, there, part);
    return new PartWriter(place, { sha256, bytes, path, part }, file, hash, offset);
  } catch (error) {
    await file?.close();
    place.writing.delete(sha256);
    throw diskFailed(error, part, 'Opening the part');
  }
}

/** A blob that is asked for is as good as written now: a sweep must not take it from its owner. */
function touch(path: string): boolean {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOENT') return false;
    throw diskFailed(error, path, 'Touching');
  }
}

const doneWriter = (bytes: number): BlobWriter => ({
  offset: bytes,
  write: async (chunk) => {
    if (chunk.length > 0) throw new Failed('input_corrupt', 'The blob is complete already.');
  },
  finish: async () => {},
  abandon: async () => {},
});

type Promised = BlobRef & { readonly path: string; readonly part: string };

class PartWriter implements BlobWriter {
  readonly #place: Place;
  readonly #promised: Promised;
  readonly #file: FileHandle;
  readonly #hash: Hash;
  #offset: number;
  #open = true;

  constructor(place: Place, promised: Promised, file: FileHandle, hash: Hash, offset: number) {
    this.#place = place;
    this.#promised = promised;
    this.#file = file;
    this.#hash = hash;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    const { sha256, bytes, part } = this.#promised;
    if (this.#offset + chunk.length > bytes)
      await this.#reject(`The blob ${sha256} is longer than the ${bytes} bytes promised.`);
    try {
      await writeAll(this.#file, chunk);
    } catch (error) {
      await this.abandon();
      throw diskFailed(error, part, 'Writing');
    }
    this.#hash.update(chunk);
    this.#offset += chunk.length;
  }

  async finish(): Promise<void> {
    this.#mustBeOpen();
    const { sha256, bytes, path, part } = this.#promised;
    if (this.#offset !== bytes)
      await this.#reject(`Of the blob ${sha256} came ${this.#offset} of ${bytes} bytes.`);
    const found = this.#hash.digest('hex');
    if (found !== sha256) await this.#reject(`The blob ${sha256} arrived as ${found}.`);
    try {
      await this.#file.sync();
      await settle(this.#place, part, path);
    } catch (error) {
      throw diskFailed(error, path, 'Finishing the blob');
    } finally {
      await this.#close();
    }
  }

  async abandon(): Promise<void> {
    if (this.#open) await this.#close();
  }

  async #reject(text: string): Promise<never> {
    await rm(this.#promised.part, { force: true });
    await this.#close();
    throw new Failed('input_corrupt', text);
  }

  async #close(): Promise<void> {
    this.#open = false;
    await this.#file.close();
    this.#place.writing.delete(this.#promised.sha256);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error(`the writer of ${this.#promised.sha256} is closed`);
  }
}

/** Moves a synced part to its name, and makes the name durable. */
async function settle(place: Place, part: string, path: string): Promise<void> {
  const folder = dirname(path);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(part, path);
  await syncDirectory(folder);
  if (made !== undefined) await syncDirectory(place.directory);
}

async function* readBlob(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (errno(error) === 'ENOENT') throw new Failed('not_found', `There is no blob at ${path}.`);
    throw diskFailed(error, path, 'Reading');
  });
  try {
    yield* chunksOf(file, offset, Number.POSITIVE_INFINITY);
  } catch (error) {
    throw diskFailed(error, path, 'Reading');
  } finally {
    await file.close();
  }
}

/**
 * The file may be a job's: it is not opened through a link or a pipe, and what is named is what
 * was copied, whatever the job does to it meanwhile.
 */
async function putFile(place: Place, path: string, owner?: number): Promise<BlobRef> {
  const part = join(place.parts, `file-${randomUUID()}`);
  const source = await openRegular(path, owner);
  try {
    const copy = await open(part, 'wx', FILE_MODE);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of chunksOf(source, 0, (await source.stat()).size)) {
        hash.update(chunk);
        await writeAll(copy, chunk);
        bytes += chunk.length;
      }
      await copy.sync();
    } finally {
      await copy.close();
    }
    const sha256 = hash.digest('hex');
    const target = pathOf(place, sha256);
    if (touch(target)) await rm(part);
    else await settle(place, part, target);
    return { sha256, bytes };
  } catch (error) {
    await rm(part, { force: true });
    throw diskFailed(error, part, `Copying ${path} to`);
  } finally {
    await source.close();
  }
}

async function sweep(place: Place, keep: Kept, before: Millis): Promise<Swept> {
  const folders = (await readdir(place.directory)).filter((name) => FOLDER.test(name));
  const swept = { blobs: 0, bytes: 0 };
  for (const folder of [...folders, PARTS])
    for (const name of await readdir(join(place.directory, folder))) {
      if (keep.has(name) || place.writing.has(name)) continue;
      const bytes = removeOld(join(place.directory, folder, name), before);
      if (bytes === undefined) continue;
      swept.blobs++;
      swept.bytes += bytes;
    }
  return swept;
}

/** In one go: between the look and the removal nobody may touch the blob and count on it. */
function removeOld(path: string, before: Millis): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.mtimeMs >= before) return undefined;
  rmSync(path, { force: true });
  return found.size;
}
