import { basename, isAbsolute, join, normalize, resolve } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import { matches, plainPath } from '../protocol/jobscript/pattern.ts';
import { limits } from '../protocol/limits.ts';
import type { File } from '../protocol/model.ts';

/** A disk on which a job's input files lie, as whoever submits may see it. */
export type Disk = {
  /** Where relative paths begin; absolute. */
  readonly directory: string;
  /** What is in a folder. This and the others take absolute paths, and throw with a reason. */
  list(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;
  /** Links are followed. */
  kindOf(path: string): Promise<'file' | 'folder' | 'other'>;
  summed(path: string): Promise<Omit<File, 'path'>>;
};

/** A file to bring: where it is there, and what the job will see. */
export type Input = { readonly from: string; readonly file: File };

/**
 * Finds the files that a script names, and sums them up. What lies within the directory keeps its
 * path; what lies elsewhere comes under its name. A folder brings all that is in it, and a pattern
 * all that it matches. Throws `Failed`.
 */
export async function findInputs(paths: readonly string[], disk: Disk): Promise<readonly Input[]> {
  const inputs: Input[] = [];
  const taken = new Map<string, string>();
  for (const path of await expanded(paths, disk))
    for (const { from, to } of await filesOf(disk, {
      from: resolve(disk.directory, path),
      to: placeOf(path),
      named: path,
    })) {
      const other = taken.get(to);
      if (other === from) continue;
      if (other !== undefined) throw refused(`${other} and ${from} would both be ${to} in the job`);
      taken.set(to, from);
      if (taken.size > limits.filesMax) throw refused(`more than ${limits.filesMax} files`);
      const sum = await disk.summed(from).catch((error: Error) => {
        throw refused(`${from}: ${error.message}`);
      });
      inputs.push({ from, file: { path: to, ...sum } });
    }
  return inputs;
}

const refused = (why: string): Failed => new Failed('missing_input', `input-files: ${why}`);

/** The paths that patterns match; each must match one. What cannot be read has nothing in it. */
async function expanded(patterns: readonly string[], disk: Disk): Promise<string[]> {
  const list: Disk['list'] = (folder) => disk.list(resolve(disk.directory, folder)).catch(() => []);
  const paths: string[] = [];
  for (const pattern of patterns) {
    const plain = plainPath(pattern);
    const found = plain === undefined ? await matches(pattern, list) : [plain];
    if (found.length === 0) throw refused(`${pattern} matches no file`);
    paths.push(...found);
  }
  return paths;
}

/** Where a file comes to lie in the job's working directory. */
function placeOf(path: string): string {
  const plain = normalize(path);
  return isAbsolute(plain) || plain.startsWith('..') ? basename(resolve(plain)) : plain;
}

/** `named`: as the script, and so its author, knows it. */
type Found = { readonly from: string; readonly to: string; readonly named: string };

async function filesOf(disk: Disk, found: Found): Promise<readonly Found[]> {
  const { from, to, named } = found;
  const because = (error: Error): never => {
    throw refused(`${named}: ${error.message}`);
  };
  const kind = await disk.kindOf(from).catch(because);
  if (kind === 'file') return [found];
  if (kind === 'other') throw refused(`${named} is neither a file nor a folder`);
  const inner: Found[] = [];
  const names = (await disk.list(from).catch(because)).map(({ name }) => name).toSorted();
  for (const name of names) {
    const below = { from: join(from, name), to: join(to, name), named: join(named, name) };
    inner.push(...(await filesOf(disk, below)));
    if (inner.length > limits.filesMax)
      throw refused(`${named} holds more than ${limits.filesMax} files`);
  }
  return inner;
}
