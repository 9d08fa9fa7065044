import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Output, Saver } from '../actors/ports.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Millis } from '../runtime/ports.ts';
import type { DiskBlobs } from './blobs.ts';
import { errno } from './disk.ts';
import { keepFile } from './job-files.ts';
import { filesOf } from './outputs.ts';

export type CheckpointPlace = {
  /** The job's directory, and in it or elsewhere the one where it saves itself. */
  readonly work: string;
  readonly folder: string;
  readonly blobs: DiskBlobs;
  /** The account that the files must be of, if they must. */
  readonly owner: number | undefined;
  /** Files that are never taken, though they are the job's. */
  readonly isSecret?: (file: string) => boolean;
  readonly pace?: Pace;
};

/** After how long nothing that changed counts as whole, and how often that is looked at. */
type Pace = { readonly quietMs: Millis; readonly lookMs: Millis };

const usual: Pace = {
  quietMs: limits.checkpointQuietMs,
  lookMs: limits.checkpointLookMs,
};

/** What a job writes last, if it says at all when its checkpoint is whole. */
const DONE = '.done';

/**
 * Has a job save itself and waits until what it has then is whole: once it has written `.done`, if
 * it ever does, else once something is new and has not changed for a while. Its files are kept if
 * none changed meanwhile. Null: that was not so within `ms`.
 */
export async function takeCheckpoint(
  place: CheckpointPlace,
  job: Saver,
  ms: Millis,
  signal: AbortSignal,
): Promise<readonly Output[] | null> {
  const { quietMs, lookMs } = place.pace ?? usual;
  const until = performance.now() + ms;
  const before = await look(place.folder);
  const heard = await job.ask();
  let last = { seen: before, at: performance.now() };
  for (;;) {
    if (signal.aborted) throw new Failed('timeout', 'given up');
    const began = performance.now();
    const isOver = job.isOver();
    const seen = await look(place.folder);
    const tookMs = performance.now() - began;
    if (!isSame(seen, last.seen)) last = { seen, at: performance.now() };
    const isQuiet = isOver || performance.now() - last.at >= quietMs;
    if (isWhole(before, seen, heard, isQuiet)) {
      const files = await keep(place);
      if (isSame(seen, await look(place.folder))) return files;
    }
    if (isOver || performance.now() > until) return null;
    // What is large is looked at less often.
    await sleep(Math.max(lookMs, 10 * tookMs));
  }
}

/** How each file is, by its path, and so all of them; `done`: the one that says it is whole. */
type Sight = { readonly all: string; readonly done: string; readonly count: number };

const isSame = (a: Sight, b: Sight): boolean => a.all === b.all;

function isWhole(before: Sight, seen: Sight, heard: boolean, isQuiet: boolean): boolean {
  if (seen.count === 0) return false;
  const says = before.done !== '' || seen.done !== '';
  // Of one that was not told there is nothing new to wait for.
  if (!heard) return isQuiet && (!says || seen.done !== '');
  return says ? seen.done !== '' && seen.done !== before.done : isQuiet && !isSame(before, seen);
}

/** What is there, without following any link. It may go away while it is looked at. */
async function look(folder: string): Promise<Sight> {
  const lines: string[] = [];
  let done = '';
  let visited = 0;
  const visit = async (path: string): Promise<void> => {
    if (visited++ > limits.checkpointFilesMax) {
      const most = limits.checkpointFilesMax;
      throw new Failed('too_large', `a checkpoint has at most ${most} files and folders`, false);
    }
    const found = await there(lstat(path, { bigint: true }));
    if (found?.isDirectory())
      for (const name of ((await there(readdir(path))) ?? []).sort()) await visit(join(path, name));
    if (!found?.isFile()) return;
    const how = `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    if (path === join(folder, DONE)) done = how;
    lines.push(`${path}\0${how}`);
  };
  await visit(folder);
  return { all: lines.join('\0'), done, count: lines.length };
}

async function there<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errno(error))) return undefined;
    if (error instanceof Failed && error.failure.code === 'not_found') return undefined;
    throw error;
  }
}

/** Only what is in the job's directory: what lies elsewhere, its next attempt finds there. */
async function keep(place: CheckpointPlace): Promise<readonly Output[]> {
  const { work, folder, blobs, owner, isSecret } = place;
  if (!folder.startsWith(work + sep)) return [];
  const kept: Output[] = [];
  for (const file of await filesOf(await realpath(work), relative(work, folder))) {
    if (isSecret?.(file)) continue;
    const output = await there(keepFile(blobs, work, file, owner));
    if (output !== undefined) kept.push(output);
  }
  return kept;
}
