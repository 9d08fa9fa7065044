import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptKey, Processes } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { marksOf } from './attempt.ts';
import type { Membership } from './exec.ts';
import { openFences, procsOf, sweepFences } from './fence.ts';
import { openForgotten } from './forgotten.ts';
import { Host, type HostOptions } from './host.ts';
import { bootMs, judged, leaseOut, openLeases } from './leases.ts';
import { notify } from './notify.ts';
import { orphanName, readRecord, recordName } from './record.ts';
import { openSlots } from './slots.ts';

export type ProcessesOptions = Omit<HostOptions, 'logBytesMax'> & {
  /** Slots kept when idle; more are made as attempts run at once. */
  readonly slots: number;
  /** False: make no cgroups, though we could. */
  readonly cgroups?: boolean;
  /** What forks the slots; `either` takes perl where there is one. */
  readonly launcher?: 'perl' | 'node' | 'either';
  readonly logBytesMax?: number;
  /** How long what a job leaves running may go on after its main process. */
  readonly leftoverMs?: number;
  /** How long a slot that is not kept has nothing to do until it goes. */
  readonly slotIdleMs?: number;
};

export type LocalProcesses = Processes & {
  /** What makes a process one of a running attempt. Throws `Failed` if it does not run. */
  membership(key: AttemptKey): Membership;
  close(): void;
};

/** Runs the jobs of this machine. `close` lets go of them; they run on and are taken up again. */
export async function openProcesses(options: ProcessesOptions): Promise<LocalProcesses> {
  const { directory, note } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  sweepOrphans(directory);
  const fences = openFences(directory, options.cgroups ?? true);
  sweepFences(fences);
  const forgotten = await openForgotten(join(directory, 'forgotten'), () => Date.now());
  const slots = await openSlots({
    directory,
    fences,
    kept: options.slots,
    launcher: options.launcher ?? 'either',
    leftoverMs: options.leftoverMs ?? limits.leftoverMs,
    idleMs: options.slotIdleMs ?? limits.slotIdleMs,
    note,
  });
  const logBytesMax = options.logBytesMax ?? limits.logBytesMax;
  const host = new Host({ ...options, logBytesMax }, fences, forgotten, slots);
  const leases = openLeases({ directory, fences, mark: options.mark });
  const unlessOut = (key: AttemptKey) => (why: unknown) => {
    throw leases.isOut(key) ? leaseOut(Date.now()) : why;
  };
  return {
    ensure: (order) => host.ensure(order).catch(unlessOut(order.key)),
    exited: async (key, signal) => {
      const exit = await host.exited(key, signal).catch(unlessOut(key));
      return judged(exit, leases.isOut(key));
    },
    stop: (key, graceMs) => host.stop(key, graceMs),
    forget: async (key) => {
      await host.forget(key);
      leases.forget(key);
    },
    bootMs,
    signal: async (key, name) => notify(readRecord(join(directory, recordName(key))), name),
    renew: (key, until) => leases.renew(key, until),
    membership: (key) => {
      const record = join(directory, recordName(key));
      const told = readRecord(record);
      if (told.is !== 'running' || told.done !== undefined)
        throw new Failed('wrong_phase', `rank ${key.rank} of job ${key.job} does not run`);
      return { procs: procsOf(fences, told.fence), marks: marksOf(options.mark, key), record };
    },
    close: () => host.close(),
  };
}

/** Removes what the keeper wrote of processes that no record is waiting for. */
function sweepOrphans(directory: string): void {
  const names = readdirSync(directory);
  const orphans = new Set(names.filter((name) => name.startsWith('orphan.')));
  if (orphans.size === 0) return;
  for (const name of names.filter((each) => each.endsWith('.record'))) {
    const told = readRecord(join(directory, name));
    if (told.is === 'running') orphans.delete(orphanName(told.main));
  }
  for (const name of orphans) rmSync(join(directory, name), { force: true });
}
