import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errno, writeFileDurably } from '../../platform/disk.ts';
import { readMounts } from '../../platform/process/fence-controls.ts';

/**
 * The control groups of a machine, one in each hierarchy that lets us: its processes are born
 * there, so that none can hide by washing its environment; what its worker makes is below. Within
 * is `init` for the machine's init and `worker` for all else: a group of version 2 that has
 * processes can hand no limits down, and the worker cares for its own only.
 */

/** The file in the machine's folder that tells which they are: written before any of them is. */
const RECORD = 'groups';
const TRIES = 100;

/** Makes the groups of a machine below our own, and gives the paths of those that could be made. */
export async function makeGroups(folder: string, name: string): Promise<readonly string[]> {
  const parents = await ownGroups();
  const wanted = parents.map((parent) => join(parent, `swm-machine.${name}`));
  await writeFileDurably(join(folder, RECORD), `${JSON.stringify(wanted)}\n`);
  const made: string[] = [];
  for (const path of wanted) {
    try {
      for (const part of ['init', 'worker']) await mkdir(join(path, part), { recursive: true });
      await handDown(join(path, '..'));
      await handDown(path);
      made.push(path);
    } catch {
      // Where we may not, machines go without: the mark in their environment is there as well.
    }
  }
  return made;
}

/** Kills all that is in the machine's groups, and gives the ids of those that were still there. */
export async function killGrouped(folder: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const path of await groupsOf(folder)) {
    const inside = await readFile(join(path, 'cgroup.procs'), 'utf8').catch(() => '');
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
export async function removeGroups(folder: string): Promise<void> {
  for (const path of (await groupsOf(folder)).toReversed()) {
    for (let tries = 1; !(await removed(path, tries >= TRIES)); tries++) await pause(10);
  }
}

const useful = ['memory', 'cpu', 'pids', 'freezer'];

/** Our own groups, in the hierarchies where a new group is good for something as it is made. */
async function ownGroups(): Promise<readonly string[]> {
  try {
    const [mountinfo, cgroup] = await Promise.all([
      readFile('/proc/self/mountinfo', 'utf8'),
      readFile('/proc/self/cgroup', 'utf8'),
    ]);
    return readMounts(mountinfo, cgroup)
      .filter(({ version, names }) => version === 2 || names.some((name) => useful.includes(name)))
      .map(({ dir }) => dir);
  } catch {
    return [];
  }
}

/** Lets groups below have what limits this one may set, in version 2 and where nobody minds. */
async function handDown(path: string): Promise<void> {
  const offered = await readFile(join(path, 'cgroup.controllers'), 'utf8').catch(() => '');
  const wanted = offered.split(/\s+/).filter((name) => useful.includes(name));
  if (wanted.length === 0) return;
  const text = wanted.map((name) => `+${name}`).join(' ');
  await writeFile(join(path, 'cgroup.subtree_control'), text).catch(() => {});
}

/** All groups of the machine that there are, parents before children. */
async function groupsOf(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    found.push(path);
    for (const entry of entries) if (entry.isDirectory()) await visit(join(path, entry.name));
  };
  for (const path of await recorded(folder)) await visit(path);
  return found;
}

async function recorded(folder: string): Promise<readonly string[]> {
  try {
    return JSON.parse(await readFile(join(folder, RECORD), 'utf8')) as string[];
  } catch (error) {
    if (errno(error) === 'ENOENT') return [];
    throw error;
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

function kill(pid: number): void {
  if (pid <= 1 || pid === process.pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}
