import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Resources } from '../../actors/ports.ts';
import { errno, writeFileDurably } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { GateSetup } from '../setup.ts';
import { type Join, joinFile, workerFile } from '../worker-files.ts';
import { makeGroups } from './cgroups.ts';
import { initLine, initScript } from './init.ts';
import { type Identity, killOne, lives } from './processes.ts';

/** One machine of a partition: a folder, and the processes that bear its mark. */
export type Machine = {
  readonly installation: string;
  readonly partition: string;
  readonly node: string;
  readonly address: string;
  /** Absolute. */
  readonly folder: string;
};

/** Every process of a machine has this in its environment, with `markOf` as its value. */
export const MARK = 'SWM_MACHINE';

export const markOf = ({ installation, partition, node }: Machine): string =>
  `${installation}/${partition}/${node}`;

/** The name of its control groups, which lie beside those of other installations. */
function groupName({ installation, partition, node }: Machine): string {
  const short = createHash('sha256').update(installation).digest('hex').slice(0, 8);
  return `${short}-${partition}-${node}`;
}

/** `missing`: it was never started, or is about to be; `crashed`: it ran, and its init is gone. */
export type MachineState = 'missing' | 'running' | 'crashed';

export async function stateOf(machine: Machine): Promise<MachineState> {
  const init = await readInit(machine);
  if (init === undefined) return 'missing';
  return (await lives(init)) ? 'running' : 'crashed';
}

/** Writes what a machine needs that never ran, and starts it. */
export async function startMachine(
  machine: Machine,
  resources: Resources,
  given: Join,
  worker: Pick<GateSetup, 'workerCommand' | 'workerConfig'>,
  bootMs: Millis,
): Promise<void> {
  const { folder } = machine;
  await mkdir(join(folder, 'spool'), { recursive: true, mode: 0o711 });
  const place = { ...machine, join: join(folder, 'join.json') };
  await writeFileDurably(place.join, joinFile(place, given));
  await writeFileDurably(
    join(folder, 'swm.yaml'),
    workerFile(place, resources, worker.workerConfig),
  );
  const started = [join(folder, 'swm.yaml'), '--spool', join(folder, 'spool')];
  const seconds = String(Math.max(0, bootMs) / 1000);
  const args = [
    '-c',
    initScript,
    'swm-machine',
    seconds,
    ...worker.workerCommand,
    '--config',
    ...started,
  ];
  const env = await environment(machine);
  const child = spawn('/bin/sh', args, { cwd: folder, env, detached: true, stdio: 'ignore' });
  child.unref();
  await Promise.race([once(child, 'spawn'), once(child, 'exit')]);
  const until = performance.now() + limits.machineStartMs;
  while ((await readInit(machine)) === undefined) {
    if (performance.now() > until || child.exitCode !== null)
      throw new Failed('site_error', `the machine ${machine.node} did not start in ${folder}`);
    await pause(2);
  }
}

/** Keeps the machine from starting anything again, and kills its init. */
export async function haltMachine(machine: Machine): Promise<void> {
  try {
    await writeFileDurably(join(machine.folder, 'halt'), '');
  } catch (error) {
    // A folder that is not there, or not any more, has no init that would look for the file.
    if (!(error instanceof Failed && error.failure.code === 'not_found')) throw error;
  }
  const init = await readInit(machine);
  if (init !== undefined) await killOne(init);
}

async function readInit({ folder }: Machine): Promise<Identity | undefined> {
  try {
    const line = await readFile(join(folder, 'init'), 'utf8');
    const [, pid, ticks, boot] = initLine.exec(line) ?? [];
    return pid === undefined ? undefined : { pid: Number(pid), ticks: ticks!, boot: boot! };
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A machine gets what a login would have, and nothing of what the head was started with. */
async function environment(machine: Machine): Promise<Record<string, string>> {
  const groups = await makeGroups(machine.folder, groupName(machine));
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: machine.folder,
    SWM_GROUPS: groups.join('\n'),
    [MARK]: markOf(machine),
  };
  for (const each of ['PATH', 'LANG', 'LC_ALL', 'TZ', 'NODE_COMPILE_CACHE'])
    if (process.env[each] !== undefined) env[each] = process.env[each];
  return env;
}
