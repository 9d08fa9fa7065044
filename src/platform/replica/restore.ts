import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kept } from '../../consensus/model.ts';
import { Failed } from '../../protocol/errors.ts';
import type { Change } from '../../runtime/ports.ts';
import { syncDirectory } from '../disk.ts';
import { checkStore } from '../store-check.ts';
import { DATA_FILE, durably, openEnvironment, sealStore } from '../store-files.ts';
import { encodeChange, putRecords } from '../store-records.ts';
import { openLog, putKept, REPLICA_FORMAT, readKept } from './own.ts';

/**
 * Terms of a restored group begin above all that were ever used since the backup was made, however
 * often somebody led meanwhile: nodes that heard of those leaders follow the restored one. Seconds
 * since 1970 pass faster than leaders can follow each other, also after an earlier restore.
 */
const termAfter = (term: number): number => Math.max(term + 1, Math.floor(Date.now() / 1_000));

export type Restored = {
  readonly index: number;
  readonly term: number;
  /** When the newest of its records was written, ms since the epoch. */
  readonly at: number;
  /** Where the records are now that were there before, or ''. */
  readonly former: string;
};

/**
 * Puts a backup in the place of a head's records: a group of this head alone. What was there is
 * kept beside it, and `also` is put beside the records. Nobody may have the directory open. Throws
 * `Failed`.
 */
export async function restoreReplica(
  file: string,
  directory: string,
  self: string,
  also: readonly Change[] = [],
): Promise<Restored> {
  if (!existsSync(file)) throw new Failed('not_found', `there is no file ${file}`);
  const wrong = checkStore(file, Number.POSITIVE_INFINITY);
  if (wrong !== undefined) throw new Failed('corrupt', `${file} is no backup: ${wrong}`);
  const staging = `${directory}.restore`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    await copyFile(file, join(staging, DATA_FILE));
    const kept = await adopt(staging, self, also);
    await sealStore(staging, REPLICA_FORMAT);
    const former = existsSync(directory) ? `${directory}.before-${Date.now()}` : '';
    if (former !== '') await rename(directory, former);
    await rename(staging, directory);
    await syncDirectory(join(directory, '..'));
    return { ...kept.applied, term: kept.hard.term, former };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Makes of a copy what a head that is alone keeps. */
async function adopt(staging: string, self: string, also: readonly Change[]): Promise<Kept> {
  const env = openEnvironment(staging);
  try {
    if (env.own.get('state') === undefined)
      throw new Failed('corrupt', 'it is a store, and no backup of a head');
    const found = readKept(env, openLog(env), self);
    const { index, term } = found.applied;
    const kept: Kept = {
      hard: { term: termAfter(found.hard.term), vote: '' },
      base: { index, term },
      terms: [],
      last: index,
      applied: found.applied,
      members: [{ voters: [self], learners: [], index }],
    };
    void putRecords(env.records, also.map(encodeChange));
    await durably(env, putKept(env, kept));
    return kept;
  } finally {
    await env.root.close();
  }
}
