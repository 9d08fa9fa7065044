import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, file, folder, until } from './lab.ts';
import { isEnded } from './waiter.ts';

it('a schedule makes a job at each of its times, once, also when its head is killed', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const log = await file(join(home, 'log'), '', 0o666);
  const script = await file(
    join(home, 'tick.job'),
    `#!/bin/sh\n#SWM param WHAT=tick\necho {{WHAT}} >>${log}\n`,
  );
  const before = await dev(spool, ['--set', 'jobs.relocate=asked']);
  const add = ['schedule', 'add', 'often', '*/2 * * * * *', script, '--param', 'WHAT=tock'];
  const added = await before.run(...add, '--overlap', 'queue', '--json');
  expect(JSON.parse(added.stdout)).toMatchObject({ name: 'often', nextAt: expect.any(Number) });
  expect((await before.run('schedule', 'add', 'x', '61 * * * *', script)).stderr).toContain(
    '$.cron: CronPattern: Invalid value for minute: 61',
  );
  const many = (count: number) => async () => (await linesOf(log)).length >= count;
  await until(many(2));

  await before.kill('SIGKILL');
  const node = await dev(spool, ['--set', 'jobs.relocate=asked']);
  await until(many((await linesOf(log)).length + 2));
  expect(await node.run('schedule', 'pause', 'often')).toMatchObject({ code: 0 });
  const listed = await node.run('schedule', 'list', '--json');
  const [row] = JSON.parse(listed.stdout) as { paused: boolean; lastJob: string }[];
  expect(row).toMatchObject({
    name: 'often',
    paused: true,
    overlap: 'queue',
    trouble: expect.any(String),
  });
  await until(async () => (await node.jobs()).every(isEnded), 60);
  const jobs = await node.jobs();
  expect(jobs.every(({ name, exitcode }) => name === 'often' && exitcode === 0)).toBe(true);
  expect(jobs.some(({ id }) => id === row?.lastJob)).toBe(true);
  // One line a job, and each job another time.
  expect(await linesOf(log)).toEqual(jobs.map(() => 'tock'));

  expect(await node.run('schedule', 'remove', 'often')).toMatchObject({ code: 0 });
  expect((await node.run('schedule', 'list')).stderr).toContain('There are none.');
  expect(await node.run('schedule', 'resume', 'often')).toMatchObject({ code: 5 });
  expect(await node.jobs()).toHaveLength(jobs.length);
});

const linesOf = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
