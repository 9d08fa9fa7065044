import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** Who keeps an address and port from being bound. */
export type Conflict = {
  /** Such as `nginx (pid 812)`; in words of its own where it cannot be told. */
  readonly holder: string;
  /** It listens on all addresses of the machine, so that no other address would help. */
  readonly everywhere: boolean;
};

const listening = '0A';

/** Who listens there, by what Linux shows in /proc; a process of another user shows itself to root. */
export async function conflictAt(address: string, port: number): Promise<Conflict> {
  const four = hexOf(address);
  const all = await Promise.all([
    listeners('/proc/net/tcp', port, [four, '0'.repeat(8)]),
    listeners('/proc/net/tcp6', port, [`${mapped}${four}`, '0'.repeat(32)]),
  ]);
  const sockets = all.flat();
  const everywhere = sockets.some((socket) => /^0+$/.test(socket.address));
  const inodes = new Set(sockets.map((socket) => socket.inode));
  if (inodes.size === 0) return { holder: 'a process that cannot be told', everywhere };
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    if (await holds(pid, inodes))
      return { holder: `${await nameOf(pid)} (pid ${pid})`, everywhere };
  return { holder: 'a process of another user', everywhere };
}

/** How tcp6 shows an address of version 4. */
const mapped = `${'0'.repeat(16)}FFFF0000`;

/** An address as /proc/net/tcp writes it: its bytes from the last to the first. */
const hexOf = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .toReversed()
    .join('');

type Listener = { readonly address: string; readonly inode: string };

async function listeners(
  table: string,
  port: number,
  addresses: readonly string[],
): Promise<readonly Listener[]> {
  const text = await readFile(table, 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening)
    .map(([, local = '', , , , , , , , inode = '']) => ({ local: local.split(':'), inode }))
    .filter(({ local }) => Number.parseInt(local[1] ?? '', 16) === port)
    .map(({ local, inode }) => ({ address: local[0] ?? '', inode }))
    .filter(({ address }) => addresses.includes(address));
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
  return basename(line.split('\0')[0] ?? '') || 'a process';
}
