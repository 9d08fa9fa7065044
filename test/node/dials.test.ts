import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { openDials } from '../../src/node/dials.ts';
import { openBulk } from '../../src/platform/bulk.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openLinks } from '../../src/platform/links.ts';
import { meshWorld } from '../platform/mesh-world.ts';
import { sleep, until } from '../platform/wait.ts';

/** Another way to where somebody listens. */
async function detour(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const on = connect(port, '127.0.0.1');
    for (const each of [socket, on]) sockets.add(each.on('error', () => {}));
    socket.pipe(on).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number };
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: `127.0.0.1:${own}`, close };
}

it('of two ways to one head one is used, and the other once that is cut', async () => {
  const world = await meshWorld();
  const other = await detour(world.listening.port);
  const note = (): void => {};
  const links = openLinks({ note, receive: () => {}, onUp: () => {}, onDown: () => {} });
  const bulk = openBulk(() => {}, note);
  const credentials = await world.pki.node('worker', 'w1');
  const dials = openDials({ links, bulk, clock: systemClock(), note }, credentials);
  const isLinked = (): boolean => links.has('h1');
  dials.set([world.address]);
  await until('the first way', () => world.links.length === 2 && isLinked());
  dials.keep([other.address]);
  await until('the second way', () => world.links.length === 4 && isLinked());
  // Each would end the other within a tenth of a second.
  for (let looks = 0; looks < 60; looks++) {
    expect(world.links.length).toBe(4);
    await sleep(10);
  }
  other.close();
  await until('the first way again', () => world.links.length === 6 && isLinked());
  // Who leads tells of other heads only: what is kept besides stays.
  dials.set([]);
  await until('no link', () => !isLinked());
  dials.close('over');
  bulk.close('over');
  await world.end();
});
