import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, normalize, resolve } from 'node:path';
import type { Client } from '../client/client.ts';
import { matches, plainPath } from '../protocol/jobscript/pattern.ts';
import { limits } from '../protocol/limits.ts';
import type { File } from '../protocol/model.ts';
import { Usage } from './exits.ts';
import type { Screen } from './screen.ts';
import { size } from './words.ts';

/** A file to bring: where it is here, and what the job will see. */
export type Input = { readonly from: string; readonly file: File };

/** Uploads under way at once: one alone waits for the disk of the other side. */
const AT_ONCE = 4;

/**
 * Finds the files that a script names, relative to `directory`, and sums them up. What lies within
 * keeps its path; what lies elsewhere comes under its name. A folder brings all that is in it, and
 * a pattern all that it matches.
 */
export async function findInputs(
  paths: readonly string[],
  directory: string,
): Promise<readonly Input[]> {
  const inputs: Input[] = [];
  const taken = new Map<string, string>();
  for (const path of await expanded(paths, directory))
    for (const { from, to } of await filesOf(resolve(directory, path), placeOf(path), path)) {
      const other = taken.get(to);
      if (other === from) continue;
      if (other !== undefined)
        throw new Usage(`swm: input-files: ${other} and ${from} would both be ${to} in the job`);
      taken.set(to, from);
      if (taken.size > limits.filesMax)
        throw new Usage(`swm: input-files: more than ${limits.filesMax} files`);
      inputs.push({ from, file: await summed(from, to) });
    }
  return inputs;
}

/** The paths that patterns match; each must match one. */
async function expanded(patterns: readonly string[], directory: string): Promise<string[]> {
  const list = async (folder: string) => {
    const found = await readdir(resolve(directory, folder), { withFileTypes: true }).catch(
      () => [],
    );
    return found.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  };
  const paths: string[] = [];
  for (const pattern of patterns) {
    const plain = plainPath(pattern);
    const found = plain === undefined ? await matches(pattern, list) : [plain];
    if (found.length === 0) throw new Usage(`swm: input-files: ${pattern} matches no file`);
    paths.push(...found);
  }
  return paths;
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

/** Where a file comes to lie in the job's working directory. */
function placeOf(path: string): string {
  const plain = normalize(path);
  return isAbsolute(plain) || plain.startsWith('..') ? basename(resolve(plain)) : plain;
}

type Found = { readonly from: string; readonly to: string };

async function filesOf(from: string, to: string, named: string): Promise<readonly Found[]> {
  const found = await stat(from).catch((error: NodeJS.ErrnoException) => {
    throw new Usage(`swm: input-files: ${named}: ${reasonOf(error)}`);
  });
  if (found.isFile()) return [{ from, to }];
  if (!found.isDirectory())
    throw new Usage(`swm: input-files: ${named} is neither a file nor a folder`);
  const inner: Found[] = [];
  for (const name of (await readdir(from)).toSorted()) {
    inner.push(...(await filesOf(join(from, name), join(to, name), join(named, name))));
    if (inner.length > limits.filesMax)
      throw new Usage(`swm: input-files: ${named} holds more than ${limits.filesMax} files`);
  }
  return inner;
}

async function summed(from: string, to: string): Promise<File> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  const { mode } = await stat(from);
  return { path: to, sha256: hash.digest('hex'), bytes, mode: mode & 0o777 };
}

export const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.code === 'ENOENT' ? 'there is no such file' : error.message;
