import { setTimeout as sleep } from 'node:timers/promises';
import { bearers, descendants, find, lives, signal } from './being.ts';
import { type Fences, freeze, inside, isFrozen } from './fence.ts';
import type { Running } from './record.ts';

/** How to know what belongs to an attempt. */
export type Tree = {
  readonly fences: Fences;
  readonly told: Running;
  /** What every process of it was started with, unless somebody took it away. */
  readonly marks: Readonly<Record<string, string>>;
};

const FREEZE_MS = 5;
const FREEZE_TRIES = 20;

/**
 * All living processes of the attempt. While its slot lives, whatever it started descends from that
 * slot, which adopts orphans; without the slot there are its cgroup and its environment.
 */
function members({ fences, told, marks }: Tree): readonly number[] {
  const { slot, main, shared } = told;
  const found = new Set(inside(fences, told.fence) ?? []);
  const watched = lives(slot);
  if (watched && !shared) for (const pid of descendants(slot.pid)) found.add(pid);
  else {
    if (lives(main)) for (const pid of [main.pid, ...descendants(main.pid)]) found.add(pid);
    for (const pid of bearers(marks)) found.add(pid);
  }
  if (watched) found.delete(slot.pid);
  return [...found].filter((pid) => pid !== process.pid);
}

/** Asks all of it to end, also what is suspended. */
export function terminate(tree: Tree): void {
  for (const pid of members(tree)) signal(pid, 'SIGTERM') && signal(pid, 'SIGCONT');
}

/** Freezes all of it, so that nothing can fork away, and kills it. Nothing if `isOver` by then. */
export async function kill(tree: Tree, isOver: () => boolean): Promise<void> {
  const { fences, told } = tree;
  freeze(fences, told.fence, true);
  try {
    for (let tries = 0; tries < FREEZE_TRIES && !isFrozen(fences, told.fence); tries++)
      await sleep(FREEZE_MS);
    if (isOver()) return;
    const seen = new Set<number>();
    for (let fresh = members(tree); fresh.length > 0; ) {
      for (const pid of fresh) seen.add(pid) && signal(pid, 'SIGSTOP');
      fresh = members(tree).filter((pid) => !seen.has(pid));
    }
    for (const pid of seen) signal(pid, 'SIGKILL');
  } finally {
    freeze(fences, told.fence, false);
  }
}

/** Kills until nothing is left. */
export async function killAll(tree: Tree): Promise<void> {
  for (let pause = 5; members(tree).length > 0; pause = Math.min(2 * pause, 1_000)) {
    await kill(tree, () => false);
    await sleep(pause);
  }
}

/** The exit status of a main process that nobody has reaped yet: code and signal. */
export function zombieStatus({ main }: Running): { code: number; signal: number } | undefined {
  const sight = find(main);
  if (sight?.state !== 'Z') return undefined;
  return { code: sight.status >> 8, signal: sight.status & 127 };
}
