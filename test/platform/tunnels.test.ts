import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { watchTunnels } from '../../src/platform/tunnels.ts';
import { until } from './wait.ts';

it('tunnels are told as heads say where they begin, and no more once they are gone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'swm-tunnels-'));
  const folder = join(root, 'tunnels');
  const told: string[] = [];
  const stop = watchTunnels(folder, (addresses) => void told.push(addresses.join(' ')));
  await mkdir(folder);
  await writeFile(join(folder, '.head-2'), '127.0.0.1:1');
  await writeFile(join(folder, 'head-1'), '127.0.0.1:10002\n');
  await until('one way', () => told.at(-1) === '127.0.0.1:10002');
  await rename(join(folder, '.head-2'), join(folder, 'head-2'));
  await until('two ways', () => told.at(-1) === '127.0.0.1:10002 127.0.0.1:1');
  await writeFile(join(folder, 'head-2'), 'nonsense');
  await until('one way again', () => told.at(-1) === '127.0.0.1:10002');
  await rm(folder, { recursive: true });
  await until('none', () => told.at(-1) === '');
  expect(told).toHaveLength(4);
  stop();
  await rm(root, { recursive: true });
});
