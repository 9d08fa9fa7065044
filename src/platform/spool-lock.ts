import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failed } from '../protocol/errors.ts';
import { diskFailed, writeFileDurably } from './disk.ts';

/** A directory that this process holds until it lets go, or dies in whatever way. */
export type SpoolLock = { release(): void };

/** Who holds it, as it wrote of itself. `ticks` tells it from a later process of its pid. */
type Holder = { readonly pid: number; readonly ticks: number; readonly since: string };

const LOCK_FILE = 'lock';
const HOLDER_FILE = 'holder.json';
const SQLITE_BUSY = 5;
/** A holder has the lock a moment before it has written who it is. */
const HOLDER_TRIES = 20;
const HOLDER_PAUSE_MS = 50;

/** A database that nobody refers to would be closed, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the spool for this process alone; `run` is its 0700 directory for such things. The lock is
 * the kernel's own on an empty SQLite file, the one file lock that Node offers: it ends with the
 * process, also by kill -9, so it never lies, and two starters cannot both have it.
 * Throws `Failed` in_use, with the holder's pid and start.
 */
export async function lockSpool(spool: string, run: string): Promise<SpoolLock> {
  const database = take(join(run, LOCK_FILE));
  if (database === undefined) throw await inUse(spool, run);
  held.add(database);
  const release = (): void => {
    if (held.delete(database)) database.close();
  };
  try {
    await chmod(join(run, LOCK_FILE), 0o600);
    const ticks = await ticksOf(process.pid);
    const holder: Holder = { pid: process.pid, ticks, since: new Date().toISOString() };
    await writeFileDurably(join(run, HOLDER_FILE), `${JSON.stringify(holder)}\n`);
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

function take(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      return undefined;
    throw diskFailed(error, path, 'Locking');
  }
}

async function inUse(spool: string, run: string): Promise<Failed> {
  const end = 'End it first, or choose another spool.';
  let noted: Holder | undefined;
  for (let tries = 0; tries < HOLDER_TRIES; tries++) {
    noted = await readHolder(run);
    if (noted && (await ticksOf(noted.pid)) === noted.ticks) {
      const who = `process ${noted.pid} since ${noted.since}`;
      return new Failed('in_use', `The spool ${spool} is in use by ${who}. ${end}`);
    }
    await sleep(HOLDER_PAUSE_MS);
  }
  const note = noted ? ` (perhaps process ${noted.pid} there, since ${noted.since})` : '';
  return new Failed(
    'in_use',
    `The spool ${spool} is in use by a process that cannot be seen from here, ` +
      `such as one in a container${note}. ${end}`,
  );
}

async function readHolder(run: string): Promise<Holder | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(join(run, HOLDER_FILE), 'utf8'));
    const { pid, ticks, since } = { ...(found as Partial<Holder>) };
    if (!Number.isInteger(pid) || !Number.isInteger(ticks)) return undefined;
    return { pid: pid!, ticks: ticks!, since: String(since) };
  } catch {
    return undefined;
  }
}

/** When a process began, in the kernel's ticks: with the pid it names one process. -1: none. */
async function ticksOf(pid: number): Promise<number> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'latin1');
    return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return -1;
  }
}
