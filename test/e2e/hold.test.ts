import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

it('a job that is held is not placed though there is room, until it is released', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const before = await dev(spool, ['--set', 'jobs.relocate=asked']);
  const { nodes } = await before.client.call('node.list', {});
  const cpus = `cpus ${nodes.find(({ phase }) => phase === 'up')?.resources.cpus}`;
  const [full, held] = [await waiter(home, cpus), await waiter(home, cpus)];
  const running = await before.submit(full.script);
  await before.until(running, ({ phase }) => phase === 'running');
  const id = await before.submit(held.script);
  const fromBirth = await before.submit('#!/bin/sh\n#SWM hold\n');

  expect((await before.run('update', running, '--priority', '1')).stderr).toContain(
    'it does not wait for a place',
  );
  expect(await before.run('hold', id)).toMatchObject({ code: 0, stdout: `${id}\n` });
  const changed = await before.run('update', id, '--time', '1h', '--name', 'later');
  expect(changed).toMatchObject({ code: 0, stdout: `${id}\n` });
  await full.go();
  await before.until(running, isEnded);

  // Nor does a start forget it.
  await before.kill('SIGKILL');
  const node = await dev(spool, ['--set', 'jobs.relocate=asked']);
  const other = await node.submit(`#!/bin/sh\n#SWM ${cpus}\n`);
  await node.until(other, isEnded);
  expect(await node.job(id)).toMatchObject({
    phase: 'queued',
    name: 'later',
    details: expect.stringMatching(/^held by operator \S+ since \d{4}-/),
  });
  expect((await node.run('why', fromBirth)).stdout).toMatch(
    / waits for a place: held by its owner/,
  );

  expect((await node.run('release', id, fromBirth)).stdout).toBe(`${id}\n${fromBirth}\n`);
  // In the order in which they came.
  await node.until(id, ({ phase }) => phase === 'running');
  await held.go();
  expect(await node.until(id, isEnded)).toMatchObject({ exitcode: 3, attempt: 1 });
  expect(await held.starts()).toBe(1);
  await node.until(fromBirth, isEnded);
  const { job } = await node.client.call('job.show', { id });
  expect(job.spec.walltimeMs).toBe(3_600_000);

  const usage = await node.run('usage', '--json');
  const rows = JSON.parse(usage.stdout.trim().split('\n').at(-1)!) as object[];
  expect(rows).toEqual([{ name: job.owner, jobs: 4, coreMs: expect.any(Number), cost: 0 }]);
  expect((await node.run('usage', '--month', '2001-01')).stderr).toContain('There are none.');
});
