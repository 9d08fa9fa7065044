import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Resources } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import { errno } from '../disk.ts';
import { type Controls, findControls } from './fence-controls.ts';

/** The cgroups that swm may make on this machine, all below its own. */
export type Fences = {
  readonly controls: Controls;
  /** Begins the name of each of ours; it holds a digest of the installation's directory. */
  readonly prefix: string;
};

/**
 * The cgroups of one slot. They serve one attempt after the other, because moving a process into a
 * new memory cgroup costs half of what starting it does: the slot lives inside, and what it forks
 * is born there.
 */
export type Fence = {
  readonly name: string;
  /** Files to which the slot writes its pid. */
  readonly procs: readonly string[];
  /** Where the kernel counts what it killed for want of memory, or ''. */
  readonly oomFile: string;
  usage: number | undefined;
  set: Resources | undefined;
  unenforced: string;
};

/** What each letter of `unenforced` says to the user. */
const words: Readonly<Record<string, string>> = {
  m: 'the memory limit is not enforced on this node',
  c: 'the limit of cpus is not enforced on this node',
  p: 'the number of processes is not limited on this node',
  g: 'the gpus are not confined on this node',
  n: 'the network of its container is that of this node',
};

const PERIOD_US = 100_000;
const REMOVE_TRIES = 20;
const REMOVE_PAUSE_MS = 50;

/** Looks what this process may make; with `allowed` false, nothing. */
export function openFences(directory: string, allowed: boolean): Fences {
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  const prefix = `swm.${digest}.`;
  return { prefix, controls: allowed ? findControls(`${prefix}probe`) : {} };
}

/** Makes the cgroups of a slot, or undefined where there are none to be had. */
export function makeFence(fences: Fences, id: string): Fence | undefined {
  const name = fences.prefix + id;
  const dirs = paths(fences, name);
  if (dirs.length === 0) return undefined;
  try {
    for (const dir of dirs) mkdirSync(dir);
    const { memory } = fences.controls;
    const at = memory ? join(memory.dir, name) : '';
    const usage = memory?.version === 1 ? 'memory.usage_in_bytes' : 'memory.current';
    return {
      name,
      procs: dirs.map((dir) => join(dir, 'cgroup.procs')),
      oomFile: at && join(at, memory?.version === 1 ? 'memory.oom_control' : 'memory.events'),
      usage: at ? openSync(join(at, usage), 'r') : undefined,
      set: undefined,
      unenforced: '',
    };
  } catch {
    removeFence(fences, name);
    return undefined;
  }
}

/** Sets the limits of the next attempt and gives the letters of those that could not be set. */
export function confine(fences: Fences, fence: Fence | undefined, wanted: Resources): string {
  const gpus = wanted.gpus > 0 ? 'g' : '';
  if (!fence) return `${wanted.memoryBytes > 0 ? 'm' : ''}${wanted.cpus > 0 ? 'c' : ''}p${gpus}`;
  const { set } = fence;
  if (set?.cpus !== wanted.cpus || set.memoryBytes !== wanted.memoryBytes) {
    const { memory, cpu, pids } = fences.controls;
    const holds = [
      ['m', wanted.memoryBytes <= 0 && !memory, memory, memoryWrites(memory?.version, wanted)],
      ['c', wanted.cpus <= 0 && !cpu, cpu, cpuWrites(cpu?.version, wanted)],
      ['p', false, pids, [['pids.max', `${limits.jobProcessesMax}`]]],
    ] as const;
    fence.unenforced = holds
      .map(([letter, unasked, control, writes]) =>
        unasked || (control && put(join(control.dir, fence.name), writes)) ? '' : letter,
      )
      .join('');
    fence.set = wanted;
  }
  return fence.unenforced + gpus;
}

/** What the letters mean. */
export const unenforcedWords = (letters: string): readonly string[] =>
  [...letters].flatMap((letter) => words[letter] ?? []);

/**
 * Whether what earlier attempts left charged here, such as files in a tmpfs, burdens the next. Also
 * true when the cgroup is gone: its slot was killed, and we are yet to hear of it.
 */
export function isBurdened(fence: Fence): boolean {
  if (fence.usage === undefined) return false;
  const bytes = Buffer.alloc(24);
  try {
    const read = readSync(fence.usage, bytes, 0, 24, 0);
    return Number(bytes.toString('latin1', 0, read)) > limits.slotResidueBytesMax;
  } catch (error) {
    if (errno(error) !== 'ENODEV') throw error;
    return true;
  }
}

/** All processes within, the slot too; undefined where there is no such fence. */
export function inside(fences: Fences, name: string): readonly number[] | undefined {
  const dir = (fences.controls.freezer ?? fences.controls.pids ?? fences.controls.memory)?.dir;
  if (dir === undefined || name === '') return undefined;
  try {
    return insideOf(join(dir, name));
  } catch {
    return undefined;
  }
}

/** What a process writes its pid to, to live within; none where there is no such fence. */
export const procsOf = (fences: Fences, name: string): readonly string[] =>
  name === '' ? [] : paths(fences, name).map((dir) => join(dir, 'cgroup.procs'));

/** Stops or goes on with everything within; the freeze is asked for, and soon there. */
export function freeze(fences: Fences, name: string, on: boolean): void {
  const { freezer } = fences.controls;
  if (!freezer || name === '') return;
  const v1 = freezer.version === 1;
  put(join(freezer.dir, name), [
    [v1 ? 'freezer.state' : 'cgroup.freeze', v1 ? (on ? 'FROZEN' : 'THAWED') : on ? '1' : '0'],
  ]);
}

/** Whether a freeze that was asked for is done; true also where there is nothing to freeze. */
export function isFrozen(fences: Fences, name: string): boolean {
  const { freezer } = fences.controls;
  if (!freezer || name === '') return true;
  const file = freezer.version === 1 ? 'freezer.state' : 'cgroup.events';
  try {
    return /^(FROZEN|frozen 1)$/m.test(readFileSync(join(freezer.dir, name, file), 'latin1'));
  } catch {
    return true;
  }
}

/**
 * Removes the cgroups. A process that ends closes its sockets a little before it leaves them, so
 * this is tried for a while; what still has processes in it then stays until they have ended.
 */
export function removeFence(fences: Fences, name: string, tries = REMOVE_TRIES): void {
  const left = paths(fences, name).filter((dir) => !removeTree(dir));
  if (left.length > 0 && tries > 1)
    setTimeout(() => removeFence(fences, name, tries - 1), REMOVE_PAUSE_MS).unref();
}

export function closeFence(fences: Fences, fence: Fence): void {
  if (fence.usage !== undefined) closeSync(fence.usage);
  fence.usage = undefined;
  removeFence(fences, fence.name);
}

/** After a former life: thaws what it left frozen, and removes what nobody lives in. */
export function sweepFences(fences: Fences): void {
  const parents = new Set(Object.values(fences.controls).map(({ dir }) => dir));
  for (const parent of parents)
    for (const name of readdirSync(parent)) {
      if (name.startsWith(fences.prefix)) freeze(fences, name, false);
      else if (!anyones.test(name) || ageMs(join(parent, name)) < limits.slotBirthMs) continue;
      removeTree(join(parent, name));
    }
}

/** Those of other installations too: one that was removed with all its processes sweeps no more. */
const anyones = /^swm\.[0-9a-f]{8}\.[0-9a-f]{8}\.\d+$/;

const ageMs = (path: string): number =>
  Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY);

const paths = (fences: Fences, name: string): readonly string[] => [
  ...new Set(Object.values(fences.controls).map(({ dir }) => join(dir, name))),
];

function memoryWrites(version: 1 | 2 | undefined, { memoryBytes }: Resources) {
  const bytes = memoryBytes > 0 ? `${memoryBytes}` : version === 1 ? '-1' : 'max';
  const swap = memoryBytes > 0 ? '0' : 'max';
  if (version !== 1) return [['memory.max', bytes] as const, ['memory.swap.max?', swap] as const];
  // The limit with swap may never be the lower of the two.
  const [limit, both] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes?'];
  return [[both, '-1'] as const, [limit, bytes] as const, [both, bytes] as const];
}

function cpuWrites(version: 1 | 2 | undefined, { cpus }: Resources) {
  const quota = Math.max(1_000, Math.round(cpus * PERIOD_US));
  if (version !== 1) {
    const weight = Math.min(10_000, Math.max(1, Math.round((cpus || 1) * 100)));
    const max = `${cpus > 0 ? quota : 'max'} ${PERIOD_US}`;
    return [['cpu.max', max] as const, ['cpu.weight', `${weight}`] as const];
  }
  const shares = Math.min(262_144, Math.max(2, Math.round((cpus || 1) * 1024)));
  const max = cpus > 0 ? `${quota}` : '-1';
  return [['cpu.cfs_quota_us', max] as const, ['cpu.shares', `${shares}`] as const];
}

/** A name that ends in `?` need not be there. */
function put(dir: string, writes: readonly (readonly [name: string, value: string])[]): boolean {
  return writes.every(([name, value]) => {
    try {
      writeFileSync(join(dir, name.replace('?', '')), value, { flag: 'r+' });
      return true;
    } catch {
      return name.endsWith('?');
    }
  });
}

/** A job of our own account may have made cgroups below its own. */
function insideOf(dir: string): number[] {
  const own = readFileSync(join(dir, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean);
  return own.map(Number).concat(below(dir).flatMap(insideOf));
}

/** True when it is gone. */
function removeTree(dir: string): boolean {
  try {
    for (const child of below(dir)) removeTree(child);
    rmdirSync(dir);
    return true;
  } catch (error) {
    return errno(error) === 'ENOENT';
  }
}

const below = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(dir, entry.name));
