import { truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRest, type RestSetup } from '../../src/api/rest/rest.ts';
import { head } from '../client/head.ts';
import { cleanup, folder } from '../e2e/lab.ts';

const ENDLESS = '0'.repeat(64);
const QUIET = '1'.repeat(64);

it('who takes nothing is let go, who waits for more is not', async () => {
  const path = join(await folder(), 'large');
  await writeFile(path, '');
  await truncate(path, 2 ** 30);
  const open = new Set<string>();
  async function* read(sha256: string): AsyncGenerator<Uint8Array> {
    open.add(sha256);
    try {
      do yield Buffer.alloc(128 << 10);
      while (sha256 === ENDLESS);
      await new Promise(() => {});
    } finally {
      open.delete(sha256);
    }
  }
  const writer = (): Promise<never> => Promise.reject(new Error('nobody writes'));
  const blobs = { has: () => true, path: () => path, read, writer };
  const { node } = head({ play: () => ({}) });
  const rest = await openRest({
    ...({} as Pick<RestSetup, 'logs' | 'metrics'>),
    feed: { subscribe: () => () => {} } as unknown as RestSetup['feed'],
    ...{ node, version: '', blobs: () => blobs, stalledMs: 300 },
  });
  const who = { door: 'terminal', id: 'ann' } as const;
  const server = createServer((request, response) => rest(request, response, who)).listen(0);
  cleanup(async () => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const ask = (sha256: string): Promise<IncomingMessage> =>
    new Promise((resolve) => {
      get({ port, path: `/v1/blobs/${sha256}`, agent: false }, (answer) => {
        answer.on('error', () => {});
        resolve(answer);
      });
    });
  const quiet = await ask(QUIET);
  quiet.resume();
  for (const _ of [1, 2]) {
    await ask(ENDLESS);
    await expect.poll(() => [...open], { timeout: 20_000 }).toEqual([QUIET, ENDLESS]);
    await expect.poll(() => [...open], { timeout: 20_000 }).toEqual([QUIET]);
  }
  expect(quiet.destroyed).toBe(false);
});
