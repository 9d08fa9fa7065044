import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const gone = '0';

/**
 * The user whose process holds the other end of a connection of this machine, by what Linux shows
 * in /proc; undefined where that cannot be told, as of an end that was closed.
 */
export async function userOf(socket: Socket): Promise<number | undefined> {
  const far = endOf(socket.remoteAddress, socket.remotePort);
  const near = endOf(socket.localAddress, socket.localPort);
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '');
  for (const line of table.split('\n')) {
    const [, from, to, , , , , user, , inode = gone] = line.trim().split(/\s+/);
    if (from === far && to === near) return inode === gone ? undefined : Number(user);
  }
  return undefined;
}

const endOf = (address: string | undefined, port = 0): string =>
  `${wordOf(address)}:${hex(port, 4)}`;

/** An address of version 4 as the kernel writes it: 127.0.0.1 is 0100007F. */
const wordOf = (address = ''): string =>
  address
    .split('.')
    .toReversed()
    .map((part) => hex(Number(part), 2))
    .join('');

const hex = (number: number, digits: number): string =>
  number.toString(16).toUpperCase().padStart(digits, '0');
