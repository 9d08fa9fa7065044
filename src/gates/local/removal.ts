import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errno } from '../../platform/disk.ts';
import { removeShared } from '../../platform/removal.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { killGrouped, removeGroups } from './cgroups.ts';
import type { Claim, Claims } from './claims.ts';
import { haltMachine, MARK, type Machine, markOf } from './machine.ts';
import { killMarked } from './processes.ts';

/** A process may be missed that is just being forked: only the second look is believed. */
const CLEAN_LOOKS = 2;

/**
 * Removes a partition with all that ever ran in it. Every step may be done twice, and the claim
 * goes last, so that whoever is killed here, or gives up, can begin again.
 */
export async function removePartition(
  claims: Claims,
  claim: Claim,
  machines: readonly Machine[],
  signal: AbortSignal,
): Promise<void> {
  await claims.condemn(claim.name);
  await killMachines(machines, signal);
  for (const machine of machines) await removeGroups(machine.folder);
  for (const machine of machines) await removeTree(machine.folder);
  await claims.drop(claim.name);
}

/** Ends all that runs on machines; their folders stay. */
export async function killMachines(
  machines: readonly Machine[],
  signal: AbortSignal,
): Promise<void> {
  for (const machine of machines) await haltMachine(machine);
  await killAll(machines, signal);
}

/** Kills until nothing is left: the dying may still have time to fork. */
async function killAll(machines: readonly Machine[], signal: AbortSignal): Promise<void> {
  const marks = machines.map((machine) => `${markOf(machine)}\0`);
  const until = performance.now() + limits.machineKillMs;
  let clean = 0;
  while (clean < CLEAN_LOOKS) {
    const left = new Set(await killMarked(MARK, marks));
    for (const machine of machines)
      for (const pid of await killGrouped(machine.folder)) left.add(pid);
    clean = left.size === 0 ? clean + 1 : 0;
    if (left.size === 0) continue;
    if (signal.aborted || performance.now() > until)
      throw new Failed(
        'timeout',
        `these processes do not die: ${[...left].slice(0, 20).join(', ')}`,
      );
    await pause(5);
  }
}

/** Removes a folder, also one whose owner took the right to do so from himself. */
async function removeTree(path: string): Promise<void> {
  try {
    await removeShared(path);
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errno(error))) throw error;
    await openUp(path);
    await removeShared(path);
  }
}

async function openUp(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(path, entry.name));
}
