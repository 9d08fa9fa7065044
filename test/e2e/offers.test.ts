import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

const flavorOf = (name: string, price: number) => ({ [name]: { cpus: 1, memory: '64MiB', price } });

it('a job whose cheapest site has no capacity goes to the next, or hears of all that was tried', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const shared = join(home, 'shared');
  // Two sites that know nothing of one another, with room for one cluster together.
  const one = { kind: 'local', image: 'host', folder: shared, clusters: 1 };
  const sites = [
    { ...one, name: 'hog', flavors: flavorOf('box', 0) },
    { kind: 'local', image: 'host', name: 'dear', flavors: flavorOf('small', 0.5) },
    { ...one, name: 'cheap', flavors: flavorOf('small', 0.01) },
  ];
  const args = ['--set', `remotes=${JSON.stringify(sites)}`];
  args.push('--set', 'scheduler.clouds.choose=cheapest');
  const node = await dev(join(home, 'spool'), args);
  const hog = await waiter(home, 'flavor box');
  const taken = await node.submit(hog.script);
  await node.until(taken, ({ phase }) => phase === 'running');

  const job = await waiter(home, 'flavor small');
  const id = await node.submit(job.script);
  const runs = await node.until(id, ({ phase }) => phase === 'running');
  expect(runs).toMatchObject({ remote: 'dear', flavor: 'small', attempt: 2 });
  const { timeline } = (await node.client.call('job.show', { id })).job;
  const marks = timeline.map(({ what }) => what);
  expect(marks).toContain('small at cheap: the site has 1 clusters and takes no more');
  expect(marks.filter((what) => what === 'provisioning')).toHaveLength(2);
  expect(readdirSync(shared)).toHaveLength(1);

  const poor = await node.submit('#!/bin/sh\n#SWM flavor small\n#SWM max-price 0.1\n');
  await expect
    .poll(async () => (await node.run('why', poor, '--all')).stdout, { timeout: 20_000 })
    .toMatch(
      /cost 0\.5 an hour, more than its max-price of 0\.1\n.*cheap refused small until .*Z: the /,
    );
  expect((await node.run('cancel', poor)).code).toBe(0);
  for (const each of [hog, job]) await each.go();
  for (const each of [taken, id])
    expect(await node.until(each, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
  expect(await job.starts()).toBe(1);
  expect(readdirSync(shared)).toEqual([]);
});
