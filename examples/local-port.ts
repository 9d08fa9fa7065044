import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'swm/client';
import { duplexOf } from 'swm/node';

export type LocalPort = { readonly server: Server; readonly port: number };

/** Listens on this machine only, and leads who comes to a port of a job. */
export async function localPort(client: Client, id: string, port: number): Promise<LocalPort> {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    try {
      const there = duplexOf(await client.forward(id, port));
      await Promise.all([pipeline(socket, there), pipeline(there, socket)]);
    } catch (error) {
      // The next one may have more luck: the job may not listen yet.
      console.error((error as Error).message);
      socket.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}
