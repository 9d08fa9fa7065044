import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AttemptKey } from '../../actors/ports.ts';
import type { Meter, Sample } from '../../actors/ways.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { GpuTable } from '../gpu-table.ts';
import type { Membership } from './exec.ts';
import { readMounts } from './fence-controls.ts';
import { readRecord } from './record.ts';

export type MeterSetup = {
  /** What makes a process one of an attempt. Throws `Failed` if that does not run. */
  readonly membership: (key: AttemptKey) => Membership;
  /** What is known of graphics processors; undefined where nobody counts them. */
  readonly gpus: (() => GpuTable | null) | undefined;
  readonly msMin?: number;
  readonly msMax?: number;
};

/** One look at an attempt: what it has used of the processor ever, and has of memory now. */
type Look = {
  readonly at: number;
  readonly cpuMs: number;
  readonly memBytes: number;
  readonly pids: readonly number[];
};

/**
 * Looks at attempts by their cgroups; where a number has none, by the processes themselves. The
 * pauses between two looks at one grow, so that short attempts cost little and are seen at all.
 */
export function openMeter(setup: MeterSetup): Meter {
  const { msMin = limits.meterMsMin, msMax = limits.meterMsMax } = setup;
  return {
    watch(key, told) {
      let before: Look | undefined;
      let pause = msMin;
      const look = (): void => {
        const now = lookAt(setup, key);
        if (now === undefined) return;
        if (before !== undefined) {
          told(sampleOf(before, now, setup.gpus?.() ?? null));
          pause = Math.min(msMax, 2 * pause);
        }
        before = now;
        timer = setTimeout(look, pause).unref();
      };
      let timer = setTimeout(look, pause).unref();
      return () => clearTimeout(timer);
    },
  };
}

/** Undefined once it runs no more. */
function lookAt({ membership }: MeterSetup, key: AttemptKey): Look | undefined {
  let member: Membership;
  try {
    member = membership(key);
  } catch (error) {
    if (error instanceof Failed) return undefined;
    throw error;
  }
  const told = readRecord(member.record);
  if (told.is !== 'running') return undefined;
  const main = told.main.pid;
  const folders = told.contained ? cgroupsOf(main) : member.procs.map(dirname);
  const pids = insideOf(folders) ?? familyOf(main);
  const cpuMs = first(folders, cpuOf) ?? sum(pids, (pid) => table().get(pid)?.cpuMs ?? 0);
  const memBytes = first(folders, memoryOf) ?? sum(pids, residentOf);
  return { at: performance.now(), cpuMs, memBytes, pids };
}

function sampleOf(before: Look, now: Look, gpus: GpuTable | null): Sample {
  const ms = Math.max(1, Math.round(now.at - before.at));
  // What ends takes along what only its own processes counted.
  const cpuPercent = Math.max(0, (100 * (now.cpuMs - before.cpuMs)) / (now.at - before.at));
  const own = gpus?.filter(({ pid }) => now.pids.includes(pid)) ?? [];
  const used = new Map(own.map(({ gpu, utilPercent }) => [gpu, utilPercent]));
  return {
    ms,
    cpuPercent,
    memBytes: now.memBytes,
    gpuUtilPercent: gpus && sum([...used.values()], (one) => one) / Math.max(1, used.size),
    gpuMemBytes: gpus && sum(own, ({ memBytes }) => memBytes),
  };
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((total, one) => total + of(one), 0);

/** The first number that one of the folders has. */
function first(folders: readonly string[], of: (folder: string) => number | undefined) {
  for (const folder of folders) {
    const found = of(folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The text of a file of the kernel, or '' where there is none. */
function textOf(...path: readonly string[]): string {
  try {
    return readFileSync(join(...path), 'latin1');
  } catch {
    return '';
  }
}

/** ms, by version 2 of cgroups, else by the accounts of version 1. */
function cpuOf(folder: string): number | undefined {
  const usec = /^usage_usec (\d+)$/m.exec(textOf(folder, 'cpu.stat'))?.[1];
  if (usec !== undefined) return Number(usec) / 1e3;
  const nanos = textOf(folder, 'cpuacct.usage');
  return nanos === '' ? undefined : Number(nanos) / 1e6;
}

/** Without what the kernel may drop at any time: pages of files that nobody has used lately. */
function memoryOf(folder: string): number | undefined {
  const bytes = textOf(folder, 'memory.current') || textOf(folder, 'memory.usage_in_bytes');
  if (bytes === '') return undefined;
  const stat = textOf(folder, 'memory.stat');
  const idle = /^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat);
  return Math.max(0, Number(bytes) - Number(idle?.[1] ?? 0));
}

function insideOf(folders: readonly string[]): readonly number[] | undefined {
  const text = textOf(folders[0] ?? '', 'cgroup.procs');
  return text === '' ? undefined : text.split('\n').filter(Boolean).map(Number);
}

/** The cgroups that an engine has made for a container; none if it lives in ours. */
function cgroupsOf(pid: number): readonly string[] {
  const mounts = textOf('/proc/self/mountinfo');
  const own = readMounts(mounts, textOf('/proc/self/cgroup')).map(({ dir }) => dir);
  const dirs = readMounts(mounts, textOf('/proc', `${pid}`, 'cgroup')).map(({ dir }) => dir);
  return dirs.filter((dir) => !own.includes(dir));
}

const residentOf = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(textOf('/proc', `${pid}`, 'status'))?.[1] ?? 0);

type Row = { readonly parent: number; readonly cpuMs: number };
/** Of Linux, on all machines that Node runs on. */
const TICK_MS = 10;
const FRESH_MS = 500;

let rows: ReadonlyMap<number, Row> = new Map();
let readAt = Number.NEGATIVE_INFINITY;

/** All processes; one look serves all attempts that want one at about the same time. */
function table(): ReadonlyMap<number, Row> {
  if (performance.now() - readAt < FRESH_MS) return rows;
  readAt = performance.now();
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  rows = new Map(
    pids.flatMap((pid): (readonly [number, Row])[] => {
      const text = textOf('/proc', pid, 'stat');
      const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
      // Its own time, and that of the children that it has seen end.
      const ticks = [11, 12, 13, 14].reduce((all, at) => all + Number(words[at] ?? 0), 0);
      return text === ''
        ? []
        : [[Number(pid), { parent: Number(words[1]), cpuMs: ticks * TICK_MS }]];
    }),
  );
  return rows;
}

/** A process and all that descends from it. */
function familyOf(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of table()) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(pid);
    else children.set(parent, [pid]);
  }
  const found: number[] = [];
  for (let next = [root]; next.length > 0; next = next.flatMap((pid) => children.get(pid) ?? []))
    found.push(...next);
  return found;
}
