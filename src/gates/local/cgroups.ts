import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errno } from '../../platform/disk.ts';

/**
 * The control groups of a machine: one folder of its name in each hierarchy. We make the one of
 * version 2, where there is one that we may write to, and put the machine's processes in it, so
 * that none can hide by washing its environment. Its worker may make more below the same name.
 */

const ROOT = '/sys/fs/cgroup';
const PARENT = 'swm-machines';
const TRIES = 100;

/** Where the hierarchies are mounted: all in one, or version 2 beside a folder per controller. */
async function hierarchies(): Promise<readonly string[]> {
  if (existsSync(join(ROOT, 'cgroup.procs'))) return [ROOT];
  const names = await readdir(ROOT).catch(() => []);
  return names.map((name) => join(ROOT, name));
}

/** Makes the machine's group and gives its path, or '' where that cannot be done. */
export async function makeCgroup(name: string): Promise<string> {
  const root = [ROOT, join(ROOT, 'unified')].find((each) =>
    existsSync(join(each, 'cgroup.controllers')),
  );
  if (root === undefined) return '';
  // A group that has children may not have processes of its own, once controllers are switched on.
  const path = join(root, PARENT, name, 'machine');
  try {
    await mkdir(path, { recursive: true });
    return path;
  } catch {
    return '';
  }
}

/** What a worker is told of where its own groups belong: below this, in every hierarchy. */
export const cgroupOf = (name: string): string => join(PARENT, name);

/** Kills all that is in the machine's groups, and gives the ids of those that were still there. */
export async function killCgroups(name: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const path of await groupsBelow(name)) {
    const inside = await readFile(join(path, 'cgroup.procs'), 'utf8').catch(gone);
    const found = inside.split('\n').filter(Boolean).map(Number);
    if (found.length === 0) continue;
    pids.push(...found);
    await writeFile(join(path, 'cgroup.kill'), '1').catch(() => {});
    for (const pid of found) kill(pid);
    // The frozen die when they are let go.
    await writeFile(join(path, 'freezer.state'), 'THAWED').catch(() => {});
  }
  return pids;
}

/** Removes the machine's groups, which must be empty. */
export async function removeCgroups(name: string): Promise<void> {
  for (const path of (await groupsBelow(name)).toReversed()) {
    for (let tries = 1; !(await removed(path, tries >= TRIES)); tries++) await pause(10);
  }
}

/** The kernel may take a moment to count the dead out of their group. */
async function removed(path: string, sure: boolean): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOENT') return true;
    if (errno(error) !== 'EBUSY' || sure) throw error;
    return false;
  }
}

/** All groups of the machine that there are, parents before children. */
async function groupsBelow(name: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    found.push(path);
    for (const entry of entries) if (entry.isDirectory()) await visit(join(path, entry.name));
  };
  for (const root of await hierarchies()) await visit(join(root, PARENT, name));
  return found;
}

function kill(pid: number): void {
  if (pid <= 1 || pid === process.pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}

const gone = (): string => '';
