import { readdirSync, readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one of the same number. */
export type Being = {
  readonly pid: number;
  /** It started not before and not after, in clock ticks since the boot. */
  readonly from: number;
  readonly to: number;
};

/** What /proc tells of one process. */
export type Sight = {
  readonly pid: number;
  readonly start: number;
  readonly state: string;
  readonly parent: number;
  /** As waitpid tells it; of a zombie only, and only to root or its own account. */
  readonly status: number;
};

/** This boot of the machine: a record of another one speaks of processes long gone. */
export const bootId = (): string =>
  readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

/** The process of that number, or undefined. */
export function look(pid: number): Sight | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    start: Number(words[19]),
    state: words[0] ?? '',
    parent: Number(words[1]),
    status: Number(words[49]),
  };
}

/** The very process, a zombie too, or undefined if it is gone. */
export function find(being: Being): Sight | undefined {
  const sight = look(being.pid);
  return sight && sight.start >= being.from && sight.start <= being.to ? sight : undefined;
}

/** Whether it can still do anything; a zombie cannot. */
export function lives(being: Being): boolean {
  const sight = find(being);
  return sight !== undefined && !isDead(sight);
}

/** All processes that this one and its children have started and that still have a parent in it. */
export function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of pids()) {
    const sight = look(pid);
    if (sight === undefined || isDead(sight)) continue;
    const siblings = children.get(sight.parent);
    if (siblings) siblings.push(pid);
    else children.set(sight.parent, [pid]);
  }
  const found: number[] = [];
  for (let next = children.get(root) ?? []; next.length > 0; ) {
    found.push(...next);
    next = next.flatMap((pid) => children.get(pid) ?? []);
  }
  return found;
}

/** All living processes whose environment, as they were started, has every one of these. */
export function bearers(marks: Readonly<Record<string, string>>): readonly number[] {
  const wanted = Object.entries(marks).map(([name, value]) => `\0${name}=${value}\0`);
  return pids().filter((pid) => {
    const sight = look(pid);
    if (pid === process.pid || sight === undefined || isDead(sight)) return false;
    let env: string;
    try {
      env = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`;
    } catch {
      return false;
    }
    return wanted.every((mark) => env.includes(mark));
  });
}

/** False if it is gone, or is not ours to signal. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

const isDead = (sight: Sight): boolean => sight.state === 'Z' || sight.state === 'X';

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
