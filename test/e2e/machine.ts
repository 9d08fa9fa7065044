import { readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the tests see of this machine's processes, whatever swm says of them. */

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

const readProc = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
};

/** Processes whose environment has this text. */
export const bearers = (text: string): number[] =>
  pids().filter((pid) => readProc(pid, 'environ').includes(text) && alive(pid));

/** The processes of a job, anywhere on this machine. */
export const processesOf = (job: string): number[] => bearers(`SWM_JOB_ID=${job}`);

/** What follows the name in /proc/PID/stat: state, parent, group, session… Empty if it is gone. */
const statOf = (pid: number): readonly string[] => {
  const stat = readProc(pid, 'stat');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** A zombie does nothing any more. */
export function alive(pid: number): boolean {
  const [state = 'X'] = statOf(pid);
  return state !== 'Z' && state !== 'X';
}

/** The words that a process was started with. */
export const commandOf = (pid: number): readonly string[] =>
  readProc(pid, 'cmdline').split('\0').filter(Boolean);

/** Processes that were started with this word. */
export const runningWith = (word: string): number[] =>
  pids().filter((pid) => commandOf(pid).includes(word) && alive(pid));

/** What starts the jobs of the worker on this spool: `swm-keeper` and `swm-slot`. */
export const startersOf = (spool: string, name: 'swm-keeper' | 'swm-slot'): number[] =>
  pids().filter((pid) => {
    if (!readProc(pid, 'cmdline').startsWith(name)) return false;
    try {
      // A slot goes to its job's directory while it starts it.
      const at = readlinkSync(`/proc/${pid}/cwd`);
      return ['run', 'job'].some((folder) => at.startsWith(`${join(spool, folder)}/`));
    } catch {
      return false;
    }
  });

/** A machine of the local site: its worker, and the shell that keeps it up; 0: there is none. */
export function machineOf(node: string): { readonly init: number; readonly worker: number } {
  const all = pids().filter((pid) => readProc(pid, 'environ').includes(`/${node}\0`));
  const worker = all.find((pid) => commandOf(pid).includes('start') && isNode(pid));
  const init = all.find((pid) => commandOf(pid).includes('swm-machine') && isFirst(pid));
  return { init: init ?? 0, worker: worker ?? 0 };
}

const isNode = (pid: number): boolean => /\bnode$/.test(commandOf(pid)[0] ?? '');
/** The first of its session, not a fork of it. */
const isFirst = (pid: number): boolean => Number(statOf(pid)[3]) === pid;

/** Signals a process; no harm if it is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** Ends what a killed head could not: its machines and jobs bear the installation's id. */
export async function endInstallation(spool: string): Promise<void> {
  let installation: string;
  try {
    installation = readFileSync(join(spool, 'installation'), 'utf8').trim();
  } catch {
    return;
  }
  const starters = [...startersOf(spool, 'swm-keeper'), ...startersOf(spool, 'swm-slot')];
  for (const pid of starters) signal(pid, 'SIGCONT');
  for (let left = bearers(installation); left.length > 0; left = bearers(installation)) {
    for (const pid of left) signal(pid, 'SIGKILL');
    await sleep(5);
  }
  for (const pid of starters) signal(pid, 'SIGKILL');
  await removeGroups(join(spool, 'gates'));
}

/** The control groups of machines that nobody took away. */
async function removeGroups(gates: string): Promise<void> {
  const records = listOf(gates).flatMap((site) =>
    listOf(site).flatMap((cluster) => listOf(cluster).map((node) => join(node, 'groups'))),
  );
  const groups = records.flatMap((path) => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as string[];
    } catch {
      return [];
    }
  });
  for (const group of groups)
    for (let tries = 0; tries < 100 && !removed(group); tries++) await sleep(10);
}

const listOf = (path: string): string[] => {
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
};

/** A group's files are the kernel's: only its folders can be removed. */
function removed(group: string): boolean {
  try {
    for (const { name } of readdirSync(group, { withFileTypes: true }).filter((e) =>
      e.isDirectory(),
    ))
      removed(join(group, name));
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
