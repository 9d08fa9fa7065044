import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { diskFailed, freeBytes, syncDirectory, syncFile, writeFileDurably } from './disk.ts';
import { checkStore } from './store-check.ts';

/** An open LMDB environment: the records, and beside them what the store keeps for itself. */
export type Environment = {
  readonly directory: string;
  readonly root: RootDatabase;
  readonly records: Database<Uint8Array, Uint8Array>;
  readonly own: Database<string, string>;
};

/** The one file that holds all of a store; beside it lies only what LMDB makes anew. */
export const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';
const FORMAT_FILE = 'format';
const FORMAT = 'swm store ';
/** The format of a store that one node keeps for itself. */
const NODE_FORMAT = 1;
/** With less room than this a write that failed is taken to have failed for that. */
const FULL_BYTES = 1 << 20;
/** How long LMDB may take to say why a commit failed. */
const CAUSE_MS = 1_000;

/** The term of the newest life that opened this environment. */
export const termOf = ({ own }: Environment): number => Number.parseInt(own.get('term') ?? '0', 10);

/** Raises the term by one, and returns it once it is durable. */
export async function raiseTerm(env: Environment): Promise<number> {
  const term = termOf(env) + 1;
  await durably(env, env.own.put('term', String(term)));
  return term;
}

/**
 * Waits for what was put and for its whole transaction: LMDB has a promise of its own for that,
 * and ends the process if its failure is heard by nobody. To be called once LMDB has closed its
 * turn, which it does in an immediate that the first put queued, or right after the put.
 */
export async function durably(env: Environment, put: Promise<unknown>): Promise<void> {
  await new Promise(setImmediate);
  await Promise.all([put, env.root.committed]);
}

/** Says why LMDB failed; of a full disk it says only `EIO`, so the room left is looked at. */
export async function storeFailed(
  error: unknown,
  directory: string,
  doing: string,
): Promise<Failed> {
  const cause = await causeOf(error);
  if (cause instanceof Failed) return cause;
  const free = await freeBytes(directory).catch(() => FULL_BYTES);
  const full = Object.assign(new Error('no room is left'), { code: 'ENOSPC' });
  return diskFailed(free < FULL_BYTES ? full : cause, directory, `${doing} the store`);
}

/** LMDB rejects with a wrapper whose cause arrives later, as a promise of its own. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  const late = Promise.resolve(error.commitError).then(
    () => error,
    (cause: unknown) => cause,
  );
  return Promise.race([late, sleep(CAUSE_MS, error)]);
}

/** Finishes a copy that LMDB made: rights, format and durability. */
export async function sealStore(directory: string, format = NODE_FORMAT): Promise<void> {
  await chmod(directory, 0o700);
  for (const name of [DATA_FILE, LOCK_FILE]) {
    const path = join(directory, name);
    if (existsSync(path)) await chmod(path, 0o600);
  }
  await syncFile(join(directory, DATA_FILE));
  await writeFormat(directory, format);
  await syncDirectory(dirname(directory));
}

/** Says durably which format the files of a store have; an older swm then refuses them. */
export const writeFormat = (directory: string, format: number): Promise<void> =>
  writeFileDurably(join(directory, FORMAT_FILE), `${FORMAT}${format}\n`);

/** Whether there ever was a store in the directory. */
export const isStore = (directory: string): boolean =>
  existsSync(join(directory, DATA_FILE)) || existsSync(join(directory, FORMAT_FILE));

/**
 * Makes a store beside its place and moves it there whole: a data file that is empty or broken is
 * then always a loss to report, never the trace of a start that was killed. `fill` puts what it is
 * to begin with.
 */
export async function makeStore(
  directory: string,
  format = NODE_FORMAT,
  fill: (env: Environment) => void = () => {},
): Promise<void> {
  const beside = `${directory}.new`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { mode: 0o700 });
  const env = openEnvironment(beside);
  fill(env);
  await durably(env, env.own.put('term', '0'));
  await env.root.close();
  await sealStore(beside, format);
  await rename(beside, directory);
  await syncDirectory(dirname(directory));
}

/**
 * Throws `Failed` if the store's files are not what a store of this swm looks like. Returns their
 * format, from 1 up to `formatMax`.
 */
export function checkFiles(directory: string, formatMax = NODE_FORMAT): number {
  const format = checkFormat(directory, formatMax);
  checkData(directory);
  return format;
}

function checkFormat(directory: string, formatMax: number): number {
  const path = join(directory, FORMAT_FILE);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : `${FORMAT}${NODE_FORMAT}`;
  const version = text.startsWith(FORMAT) ? Number.parseInt(text.slice(FORMAT.length), 10) : 0;
  if (version > formatMax)
    throw new Failed(
      'wrong_version',
      `The store ${directory} has format ${version}, and this swm reads up to ${formatMax}. ` +
        'Use the newer swm that wrote it.',
    );
  if (!(version >= 1)) throw corrupt(directory, `its file ${FORMAT_FILE} is garbage`);
  return version;
}

function checkData(directory: string): void {
  const path = join(directory, DATA_FILE);
  if (!existsSync(path) || statSync(path).size === 0)
    throw corrupt(directory, `its file ${DATA_FILE} is empty or gone`);
  const wrong = checkStore(path, limits.checkPagesMax);
  if (wrong !== undefined) throw corrupt(directory, `${DATA_FILE}: ${wrong}`);
}

export const corrupt = (directory: string, what: string): Failed =>
  new Failed(
    'corrupt',
    `The store ${directory} is damaged: ${what}. Put a backup in its place; or, if this is one ` +
      'of several heads, remove the directory and let the head join anew.',
  );

/** Opens or makes the LMDB environment of a directory that exists. */
export function openEnvironment(directory: string): Environment {
  const root = open(directory, { noSubdir: false, maxDbs: 4 });
  try {
    const records = root.openDB<Uint8Array, Uint8Array>('records', {
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const own = root.openDB<string, string>('own', { encoding: 'string' });
    return { directory, root, records, own };
  } catch (error) {
    void root.close();
    throw error;
  }
}
