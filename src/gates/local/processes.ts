import { readdir, readFile } from 'node:fs/promises';
import { errno } from '../../platform/disk.ts';

/** A process beyond doubt: ids are used again, but not with the same start in the same boot. */
export type Identity = { readonly pid: number; readonly ticks: string; readonly boot: string };

/** Whether that very process is there and is not just waiting to be reaped. */
export async function lives({ pid, ticks, boot }: Identity): Promise<boolean> {
  if (boot !== (await bootId())) return false;
  const stat = await readProc(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the fields behind it are numbers and one letter.
  const fields = stat.toString('latin1').split(') ').at(-1)?.split(' ') ?? [];
  return fields[19] === ticks && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** Kills one process by its identity; no harm if it is gone. */
export async function killOne(identity: Identity): Promise<void> {
  if (await lives(identity)) kill(identity.pid);
}

/**
 * Kills every process that has `variable=value` in its environment, where the value begins with one
 * of `prefixes`, and gives the ids of those that it found.
 */
export async function killMarked(
  variable: string,
  prefixes: readonly string[],
): Promise<readonly number[]> {
  const pids = await marked(variable, prefixes);
  for (const pid of pids) kill(pid);
  return pids;
}

const AT_ONCE = 32;

async function marked(variable: string, prefixes: readonly string[]): Promise<readonly number[]> {
  const marks = prefixes.map((prefix) => `\0${variable}=${prefix}`);
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1 && pid !== process.pid);
  const found: number[] = [];
  for (let at = 0; at < pids.length; at += AT_ONCE) {
    const some = pids.slice(at, at + AT_ONCE);
    const environs = await Promise.all(some.map((pid) => readProc(`/proc/${pid}/environ`)));
    environs.forEach((environ, i) => {
      const text = `\0${environ.toString('latin1')}`;
      if (marks.some((mark) => text.includes(mark))) found.push(some[i]!);
    });
  }
  return found;
}

/** A process that is gone, or that is not ours to look at, has nothing to read. */
async function readProc(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    return Buffer.alloc(0);
  }
}

let boot: string | undefined;

async function bootId(): Promise<string> {
  boot ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return boot;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}
