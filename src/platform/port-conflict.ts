import { readdir, readFile, readlink } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';

/** Who keeps an address and port from being bound. */
export type Conflict = {
  /** Such as `nginx (pid 812)`; in words of its own where it cannot be told. */
  readonly holder: string;
  /** It listens on all addresses of the machine, so that no other address would help. */
  readonly everywhere: boolean;
};

const listening = '0A';
const all = '[::]';
const all4 = '[::ffff:0:0]';

/**
 * Who listens where a bind was refused, by what Linux shows in /proc; a process of another user
 * shows itself to root only. Of a host's name only the port is compared.
 */
export async function conflictAt(host: string, port: number): Promise<Conflict> {
  const wanted = addressOf(host);
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(listeners));
  const sockets = tables
    .flat()
    .filter((each) => each.port === port && collides(wanted, each.address));
  const everywhere = sockets.some(({ address }) => address === all || address === all4);
  const inodes = new Set(sockets.map(({ inode }) => inode));
  if (inodes.size === 0) return { holder: 'a process that cannot be told', everywhere };
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    if (await holds(pid, inodes))
      return { holder: `${await nameOf(pid)} (pid ${pid})`, everywhere };
  return { holder: 'a process of another user', everywhere };
}

/** A listener on all addresses of version 6 has those of version 4 too, unless it declined them. */
function collides(wanted: string | undefined, held: string): boolean {
  if (wanted === undefined || wanted === all || held === all || wanted === held) return true;
  return (wanted === all4 && isOf4(held)) || (held === all4 && isOf4(wanted));
}

const isOf4 = (address: string): boolean => address.startsWith('[::ffff:');

/** One spelling for each address, version 4 as version 6 maps it; undefined for names. */
function addressOf(host: string): string | undefined {
  const [bare = ''] = host.split('%');
  const version = isIP(bare);
  if (version === 0) return undefined;
  return new URL(`http://[${version === 4 ? `::ffff:${bare}` : bare}]`).hostname;
}

type Listener = { readonly address: string; readonly port: number; readonly inode: string };

/** The columns of a line are slot, local, remote, state, four of no interest, user, …, inode. */
async function listeners(table: string): Promise<readonly Listener[]> {
  const text = await readFile(table, 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening)
    .map(([, local = '', , , , , , , , inode = '']) => {
      const [hex = '', port = ''] = local.split(':');
      return { address: shown(hex), port: Number.parseInt(port, 16), inode };
    });
}

/** The kernel writes an address in words of four bytes, the last byte of each first. */
function shown(hex: string): string {
  const bytes = Buffer.from(hex, 'hex').swap32();
  if (bytes.length === 4) return addressOf(bytes.join('.')) ?? '';
  return addressOf(bytes.toString('hex').match(/.{4}/g)?.join(':') ?? '') ?? '';
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
