import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dialMesh } from '../../src/platform/dial.ts';
import { keyPlaces, loadCredentials } from '../../src/platform/key-files.ts';
import { dev, folder } from './lab.ts';

/** The spool of the only worker that the local site has made. */
function workerSpool(spool: string): string {
  const [site] = readdirSync(join(spool, 'gates')).map((name) => join(spool, 'gates', name));
  const found = readdirSync(site!, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(join('secure', 'node', 'cert.pem')),
  );
  return join(site!, found!, '..', '..', '..');
}

describe('a certificate of a node that was removed', { timeout: 90_000 }, () => {
  it('is worth nothing once its name has another bearer', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'));
    const id = await node.submit('#!/bin/sh\n#SWM relocatable\nsleep 60\n');
    const isRunning = ({ phase }: { phase: string }): boolean => phase === 'running';
    const first = await node.until(id, isRunning);
    cpSync(workerSpool(node.spool), join(home, 'stolen'), {
      recursive: true,
      filter: (path) => !path.endsWith('.sock') && !path.includes('/job'),
    });
    await node.run('cancel', id);
    await node.until(id, ({ phase }) => phase === 'ended');
    await node.run('requeue', id);
    const second = await node.until(id, isRunning);
    expect(second.nodes).toEqual(first.nodes);
    const places = keyPlaces(join(home, 'stolen'));
    const credentials = await loadCredentials(places.node, places.chain);
    const [address] = headsOf(join(home, 'stolen'));
    const dialled = dialMesh({
      address: address!,
      credentials,
      purpose: 'messages',
      expectRole: 'head',
    });
    await expect(dialled).rejects.toThrow('has joined with another key');
    await node.run('cancel', id);
    await node.until(id, ({ phase }) => phase === 'ended');
  });
});

const headsOf = (spool: string): readonly string[] =>
  JSON.parse(readFileSync(join(spool, 'secure', 'node', 'heads.json'), 'utf8'));
