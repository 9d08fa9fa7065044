import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, file, folder, swm } from './lab.ts';
import { isEnded, logOf } from './waiter.ts';

it('a job reads what a pattern brought, also as stdin, and gives what one matches', async () => {
  const home = await folder();
  const from = join(home, 'from');
  await mkdir(join(from, 'data'), { recursive: true });
  await file(join(from, 'data', '1.csv'), 'one\n');
  await file(join(from, 'data', '2.csv'), 'two\n');
  await file(join(from, 'data', 'notes'), 'not this\n');
  const lines = [
    '#!/bin/sh',
    '#SWM input-files data/*.csv',
    '#SWM stdin data/2.csv',
    '#SWM output-files **/*.out none*',
    'cat; ls data',
    'mkdir -p r/deep; cat data/1.csv >r/deep/a.out; echo b >b.out; echo c >c.txt',
  ];
  await file(join(from, 'a.job'), `${lines.join('\n')}\n`);
  const node = await dev(join(home, 'spool'));
  const sent = await swm(['submit', '--spool', node.spool, 'a.job'], { cwd: from });
  const id = sent.stdout.trim();
  expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
  expect(await logOf(node, id)).toBe('two\n1.csv\n2.csv\n');
  const { job } = await node.client.call('job.show', { id });
  expect(job.outputs.map(({ path }) => path)).toEqual(['b.out', 'r/deep/a.out']);
  expect(job.missing).toEqual(['none*']);
  const to = join(home, 'to');
  expect((await node.run('get', id, '--to', to)).code).toBe(0);
  expect(await readFile(join(to, 'r', 'deep', 'a.out'), 'utf8')).toBe('one\n');
}, 60_000);
