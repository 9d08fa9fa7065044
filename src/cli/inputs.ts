import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Client } from '../client/client.ts';
import { type Disk, type Input, findInputs as inputsOn } from '../platform/input-files.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { File } from '../protocol/model.ts';
import { Usage } from './exits.ts';
import type { Screen } from './screen.ts';
import { size } from './words.ts';

/** Uploads under way at once: one alone waits for the disk of the other side. */
const AT_ONCE = 4;

/**
 * Finds the files that a script names, relative to `directory`, and sums them up. Where it is not
 * a script's `input-files`, `named` says who named them.
 */
export async function findInputs(
  paths: readonly string[],
  directory: string,
  named = 'input-files',
): Promise<readonly Input[]> {
  try {
    return await inputsOn(paths, ownDisk(directory));
  } catch (error) {
    if (error instanceof Failed)
      throw new Usage(`swm: ${error.message.replace('input-files', named)}`);
    throw error;
  }
}

/** This machine's disk, read by whoever calls the command. */
const ownDisk = (directory: string): Disk => ({
  directory,
  async list(folder) {
    const found = await readdir(folder, { withFileTypes: true }).catch(becauseOf);
    return found.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  },
  async kindOf(path) {
    const found = await stat(path).catch(becauseOf);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
  },
  summed: (path) => summed(path).catch(becauseOf),
});

function becauseOf(error: NodeJS.ErrnoException): never {
  throw new Error(reasonOf(error));
}

/** Brings all of them there, each content once. */
export async function sendInputs(
  client: Client,
  inputs: readonly Input[],
  screen: Screen,
): Promise<void> {
  const bySum = new Map(inputs.map((input) => [input.file.sha256, input]));
  const total = [...bySum.values()].reduce((sum, { file }) => sum + file.bytes, 0);
  const done = new Map<string, number>();
  const queue = [...bySum.values()];
  const show = (): void => {
    const sent = [...done.values()].reduce((sum, bytes) => sum + bytes, 0);
    const share = total === 0 ? 100 : Math.floor((sent * 100) / total);
    screen.status(`input files: ${size(sent)} of ${size(total)} (${share} %)`);
  };
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { from, file } = next;
      await client.upload(
        file,
        (offset) => createReadStream(from, { start: offset, highWaterMark: limits.blobChunkBytes }),
        (bytes) => {
          done.set(file.sha256, bytes);
          show();
        },
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  screen.status('');
}

async function summed(from: string): Promise<Omit<File, 'path'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  const { mode } = await stat(from);
  return { sha256: hash.digest('hex'), bytes, mode: mode & 0o777 };
}

export const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.code === 'ENOENT' ? 'there is no such file' : error.message;
