import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connect } from '../../src/client/client.ts';
import type { Socket } from '../../src/client/socket.ts';
import { dialTerminal } from '../../src/platform/dial.ts';
import { keyPlaces, loadCredentials } from '../../src/platform/key-files.ts';
import { cleanup, dev, folder, until } from './lab.ts';
import { isEnded } from './waiter.ts';

it('a watch that was cut hears of what changed meanwhile, and after a start of all', {
  timeout: 60_000,
}, async () => {
  const spool = join(await folder(), 'spool');
  const node = await dev(spool);
  const submit = async (): Promise<string> => node.submit('#!/bin/sh\n');
  const before = [await submit(), await submit()];
  for (const id of before) await node.until(id, isEnded);

  const sockets: Socket[] = [];
  const places = keyPlaces(spool);
  const client = connect({
    open: async () => {
      const { terminal } = JSON.parse(await readFile(join(spool, 'run', 'node.json'), 'utf8')) as {
        terminal: { host: string; port: number };
      };
      const credentials = await loadCredentials(places.user('admin'), places.chain);
      const address = `${terminal.host}:${terminal.port}`;
      const socket = await dialTerminal({
        address,
        credentials,
        subprotocol: 'swm.v1+msgpack',
      });
      sockets.push(socket);
      return socket;
    },
  });
  cleanup(async () => client.close());
  const keys: string[] = [];
  const reading = (async () => {
    for await (const { key } of client.watch('jobs')) keys.push(key);
  })();
  reading.catch(() => {});
  await until(() => keys.includes(''));
  expect(keys.toSorted()).toEqual(['', ...before].toSorted());

  keys.length = 0;
  sockets.at(-1)?.close('cut by the test');
  const meanwhile = await submit();
  await until(() => keys.includes(meanwhile));
  await node.until(meanwhile, isEnded);
  await until(() => sockets.length === 2);
  // Of what was known nothing comes again, but perhaps the last of it.
  expect(new Set(keys).size).toBeLessThanOrEqual(2);
  expect(keys).toContain(meanwhile);

  keys.length = 0;
  await node.kill('SIGTERM');
  await dev(spool);
  await until(() => [...before, meanwhile].every((id) => keys.includes(id)));
});
