import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kept } from '../../consensus/model.ts';
import { Failed } from '../../protocol/errors.ts';
import { syncDirectory, syncFile } from '../disk.ts';
import { sha256OfFile } from '../file-hash.ts';
import { checkStore } from '../store-check.ts';
import {
  DATA_FILE,
  durably,
  type Environment,
  openEnvironment,
  sealStore,
  termOf,
} from '../store-files.ts';
import { openLog, putKept, REPLICA_FORMAT, readKept } from './own.ts';
import type { Snapshot } from './ports.ts';

/** Where snapshots of a replica lie; the newest stays until there is a newer one. */
export const snapshotsOf = (directory: string): string => `${directory}.snapshots`;
const stagingOf = (directory: string): string => `${directory}.install`;

/** Removes what a life that was killed left half made, and all snapshots. */
export async function clearLeftovers(directory: string): Promise<void> {
  await rm(stagingOf(directory), { recursive: true, force: true });
  await rm(snapshotsOf(directory), { recursive: true, force: true });
}

/**
 * Copies records as of one moment, free room and all; commits go on meanwhile. Hard state and log
 * are taken out of the copy: they are this head's own. A copy that LMDB compacts must not be
 * written to: its count of pages is wrong where there were free ones, and writes then break it.
 */
export async function makeSnapshot(env: Environment, self: string): Promise<Snapshot> {
  const folder = snapshotsOf(env.directory);
  const beside = join(folder, 'new');
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true, mode: 0o700 });
  await env.root.backup(beside, false);
  const kept = await strip(beside, self);
  const { index, term, at } = kept.applied;
  const path = join(folder, `${index}-${term}.mdb`);
  await syncFile(join(beside, DATA_FILE));
  await rename(join(beside, DATA_FILE), path);
  await syncDirectory(folder);
  for (const name of await readdir(folder))
    if (join(folder, name) !== path && (name === 'new' || name.endsWith('.mdb')))
      await rm(join(folder, name), { recursive: true, force: true });
  const { voters, learners } = kept.members[0]!;
  const [{ size }, sha256] = await Promise.all([stat(path), sha256OfFile(path)]);
  return { index, term, at, members: { voters, learners }, bytes: size, sha256, path };
}

async function strip(directory: string, self: string): Promise<Kept> {
  const copy = openEnvironment(directory);
  try {
    const log = openLog(copy);
    const found = readKept(copy, log, self);
    const { index, term } = found.applied;
    const kept: Kept = {
      ...found,
      hard: { term, vote: '' },
      base: { index, term },
      terms: [],
      last: index,
      members: found.members.slice(0, 1),
    };
    void log.clearAsync();
    void putKept(copy, kept);
    await durably(copy, copy.own.put('term', '0'));
    return kept;
  } finally {
    await copy.root.close();
  }
}

/** Throws `Failed` if the file is not the snapshot that was offered. */
export async function checkSnapshot({ path, bytes, sha256 }: Snapshot): Promise<void> {
  const { size } = await stat(path);
  const wrong =
    size !== bytes
      ? `it has ${size} bytes instead of ${bytes}`
      : (await sha256OfFile(path)) !== sha256
        ? 'its bytes are others'
        : checkStore(path, Number.POSITIVE_INFINITY);
  if (wrong !== undefined) throw new Failed('corrupt', `The snapshot ${path}: ${wrong}.`);
}

/** A copy of a snapshot beside the environment whose place it takes, open for its last words. */
export async function stageSnapshot(directory: string, snapshot: Snapshot): Promise<Environment> {
  const staging = stagingOf(directory);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  await copyFile(snapshot.path, join(staging, DATA_FILE));
  const env = openEnvironment(staging);
  const { applied } = readKept(env, openLog(env), '');
  if (applied.index === snapshot.index && applied.term === snapshot.term) return env;
  await env.root.close();
  throw new Failed('corrupt', `The snapshot ${snapshot.path} is of another position.`);
}

/** Puts this head's own hard state into a staged copy, and closes it durably. */
export async function sealStaged(staged: Environment, kept: Kept, life: number): Promise<void> {
  void putKept(staged, kept);
  await durably(staged, staged.own.put('term', String(life)));
  if (termOf(staged) !== life) throw new Error('a staged snapshot has lost its life');
  await staged.root.close();
  await sealStore(staged.directory, REPLICA_FORMAT);
}

/** The one step that counts: after it the replica is the snapshot. Its environment is closed. */
export async function switchTo(directory: string): Promise<void> {
  const staging = stagingOf(directory);
  await rename(join(staging, DATA_FILE), join(directory, DATA_FILE));
  await syncDirectory(directory);
  await rm(staging, { recursive: true, force: true });
}
