import { createServer, type Server, type Socket } from 'node:net';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { errno } from './disk.ts';
import { conflictAt } from './port-conflict.ts';
import { relayed } from './relay.ts';

/** A port of this machine that is listened on for a job, and who has come by it. */
export type OpenPort = { readonly server: Server; readonly sockets: ReadonlySet<Socket> };

/** Listens there; whoever comes is handed over, and reset if that fails. Throws `BindFailed`. */
export async function openPort(
  host: string,
  port: number,
  lead: (socket: Socket) => Promise<void>,
): Promise<OpenPort> {
  const sockets = new Set<Socket>();
  const server = await bind(host, port, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    lead(socket).catch(() => socket.resetAndDestroy());
  });
  server.maxConnections = limits.forwardConnectionsMax;
  return { server, sockets };
}

/** Listens no more, and resets whoever is there. */
export function shut({ server, sockets }: OpenPort): Promise<void> {
  for (const socket of sockets) socket.resetAndDestroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Why a port cannot be had; `everywhere`: on no other address of this machine either. */
export class BindFailed extends Error {
  readonly host: string;
  readonly port: number;
  readonly failed: Failed;
  readonly everywhere: boolean;
  constructor(host: string, port: number, failed: Failed, everywhere: boolean) {
    super(failed.message);
    this.host = host;
    this.port = port;
    this.failed = failed;
    this.everywhere = everywhere;
  }
}

function bind(host: string, port: number, then: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ ...relayed, noDelay: true }, then);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      bindFailed(host, port, errno(error)).then(reject, reject);
    });
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

/** Says in the user's words why a port cannot be bound, and by whom it is held. */
async function bindFailed(host: string, port: number, code: string): Promise<BindFailed> {
  const failed = (text: string, retry = false): Failed => new Failed('port_busy', text, retry);
  if (code === 'EACCES')
    return new BindFailed(host, port, failed(`Port ${port} is open to root only.`), true);
  if (code === 'EADDRNOTAVAIL') {
    const text = `${host} is no address of this machine; only Linux has all of 127.0.0.0/8.`;
    return new BindFailed(host, port, failed(text), true);
  }
  const { holder, everywhere } = await conflictAt(host, port);
  const where = everywhere ? 'every address' : host;
  const text = `Port ${port} on ${where} is held by ${holder}.`;
  return new BindFailed(host, port, failed(text, true), everywhere);
}
