import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ClusterRow } from '../../src/protocol/terminal-shapes.ts';
import { dev, folder, until } from './lab.ts';
import { isEnded } from './waiter.ts';

const SITES = [{ name: 'local', kind: 'local', flavor: 'small', image: 'host' }];
const script = (...lines: string[]): string =>
  ['#!/bin/sh', '#SWM flavor small', ...lines.map((line) => `#SWM ${line}`), 'pwd', ''].join('\n');

it('a cluster that is kept serves the next job of its owner, and goes with it', {
  timeout: 60_000,
}, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const node = await dev(spool, ['--set', `remotes=${JSON.stringify(SITES)}`]);
  const clusters = async (): Promise<readonly ClusterRow[]> =>
    (await node.client.call('cluster.list', {})).clusters;

  const first = await node.submit(script('keep-resources'));
  const one = await node.until(first, isEnded);
  expect(one).toMatchObject({ state: 'F', exitcode: 0 });
  const [kept] = await clusters();
  expect(kept).toMatchObject({ name: one.cluster, phase: 'up', jobs: [] });
  expect(kept?.keptUntil).toBeGreaterThan(Date.now());
  expect((await node.run('clusters')).stdout).toContain('kept until');

  const other = await node.submit(script('account lab'));
  expect((await node.until(other, isEnded)).cluster).not.toBe(one.cluster);
  const second = await node.submit(script());
  const two = await node.until(second, isEnded);
  expect(two).toMatchObject({ state: 'F', cluster: one.cluster, nodes: one.nodes });
  const shown = (await node.client.call('job.show', { id: second })).job;
  expect(shown.timeline.map(({ what }) => what)).not.toContain('Partition spawned');

  await until(async () => (await clusters()).length === 0, 30);
  expect(readdirSync(join(spool, 'gates', 'local'))).toEqual([]);
});
