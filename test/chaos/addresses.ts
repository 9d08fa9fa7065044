import { createServer, type Server } from 'node:net';

/**
 * Addresses of one group, 127.0.X.1 and on, that no other group on this machine has. Ports are
 * the usual ones, but for those on which other nodes are reached through a switchboard.
 */
export type Addresses = {
  readonly of: (number: number) => string;
  release(): Promise<void>;
};

export const PORTS = { mesh: 10_001, terminals: 8443, switchboard: 10_011 };

/** Held for as long as the group lives, so that two who draw the same number find out. */
const HELD = 254;
const FIRST = 2;
const LAST = 250;

/** Throws if nothing is left to be had. */
export async function drawAddresses(): Promise<Addresses> {
  const from = FIRST + Math.floor(Math.random() * (LAST - FIRST));
  for (let tries = 0; tries <= LAST - FIRST; tries++) {
    const third = FIRST + ((from - FIRST + tries) % (LAST - FIRST + 1));
    const of = (number: number): string => `127.0.${third}.${number}`;
    const held = await listening(of(HELD), PORTS.mesh);
    if (held === undefined) continue;
    if (await isFree(of)) return { of, release: () => closed(held) };
    await closed(held);
  }
  throw new Error('no addresses are left on this machine');
}

async function isFree(of: Addresses['of']): Promise<boolean> {
  for (const number of [1, 2, 3, 4])
    for (const port of Object.values(PORTS)) {
      const server = await listening(of(number), port);
      if (server === undefined) return false;
      await closed(server);
    }
  return true;
}

const listening = (host: string, port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));
