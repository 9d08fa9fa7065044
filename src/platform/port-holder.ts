import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/**
 * Says in words which process listens on a TCP port of this machine, such as `nginx (pid 812)`, or
 * that it cannot be told: another user's process shows its socket to root only. Linux alone.
 */
export async function holderOfPort(port: number): Promise<string> {
  const inodes = new Set(
    (
      await Promise.all([listeners('/proc/net/tcp', port), listeners('/proc/net/tcp6', port)])
    ).flat(),
  );
  if (inodes.size === 0) return 'a process that cannot be told';
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (await holds(pid, inodes)) return `${await nameOf(pid)} (pid ${pid})`;
  }
  return 'a process of another user';
}

const LISTEN = '0A';

/** Socket inodes that listen on the port: columns of a line are slot, local, remote, state, … */
async function listeners(table: string, port: number): Promise<readonly string[]> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const text = await readFile(table, 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) === true && columns[3] === LISTEN)
    .map((columns) => columns[9]!);
}

async function holds(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const file of files) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** By its command line: `comm` is the name of a thread, which for Node is `MainThread`. */
async function nameOf(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return basename(line.split('\0')[0]!) || 'a process';
}
