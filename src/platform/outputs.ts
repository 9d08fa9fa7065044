import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { matches, plainPath } from '../protocol/jobscript/pattern.ts';
import { limits } from '../protocol/limits.ts';

/** What `output-files` come to: paths in the job’s directory, each once, and what is not there. */
export type Outputs = { readonly files: readonly string[]; readonly missing: readonly string[] };

/** As many as a report of it may have. */
const FILES_MAX = limits.filesMax * 10;

/**
 * Finds the regular files that the patterns name, folders with all that is in them. Nothing is
 * taken from outside of the directory; a pattern of which not all can be taken counts as missing.
 */
export async function findOutputs(work: string, patterns: readonly string[]): Promise<Outputs> {
  const files = new Set<string>();
  const missing: string[] = [];
  const base = patterns.length === 0 ? '' : await realpath(work);
  for (const pattern of patterns) {
    const plain = plainPath(pattern);
    const paths =
      plain === undefined ? await matches(pattern, (folder) => listed(base, folder)) : [plain];
    let isMissing = true;
    for (const path of paths)
      for (const file of await filesOf(base, path)) {
        isMissing = files.size >= FILES_MAX && !files.has(file);
        if (isMissing) break;
        files.add(file);
      }
    if (isMissing) missing.push(plain ?? pattern);
  }
  return { files: [...files], missing };
}

/** What a pattern may match: what is in a folder of the job's own, none that a link leads to. */
async function listed(base: string, folder: string) {
  const full = join(base, folder);
  if ((await inside(base, full)) !== full) return [];
  const entries = await readdir(full, { withFileTypes: true }).catch(() => []);
  return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
}

/**
 * The regular files at a path below a folder that is itself no link, one or a whole folder; links
 * that lead out are none.
 */
export async function filesOf(base: string, path: string): Promise<string[]> {
  const full = join(base, path);
  if ((await inside(base, full)) === undefined) return [];
  const found = await lstat(full);
  if (found.isFile()) return [relative(base, full)];
  if (!found.isDirectory()) return [];
  const files: string[] = [];
  for (const name of (await readdir(full)).sort())
    files.push(...(await filesOf(base, join(relative(base, full), name))));
  return files;
}

/** Where a path leads to, unless that is outside. */
async function inside(base: string, path: string): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && (real + sep).startsWith(base + sep) ? real : undefined;
}
