import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connects, so that each direction ends for itself. */
export function dialled(host: string, port: number): Socket {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.on('error', () => {});
  return socket;
}

/** How a connection was over: `ended`, or the system's word for it. */
export async function gone(socket: Socket): Promise<string> {
  if (!socket.closed) await once(socket, 'close').catch(() => once(socket, 'close'));
  return (socket.errored as NodeJS.ErrnoException | null)?.code ?? 'ended';
}

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
