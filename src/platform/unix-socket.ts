import { chmodSync, closeSync, openSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';

/** A socket's path must fit into 107 bytes; a longer one is reached through its directory. */
const SOCKET_PATH_MAX = 100;

/** Listens on a socket in a directory, for our own account; call what it gives when done. */
export async function listenAt(
  server: Server,
  directory: string,
  name: string,
): Promise<() => void> {
  const opened = openSync(directory, 'r');
  const path = join(directory, name);
  const short = path.length > SOCKET_PATH_MAX ? `/proc/self/fd/${opened}/${name}` : path;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(short, resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    closeSync(opened);
    throw error;
  }
  return () => closeSync(opened);
}
