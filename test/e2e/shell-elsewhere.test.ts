import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder, swm } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

it('swm shell looks inside a worker, and follows an attempt there', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const node = await dev(join(home, 'spool'));
  const job = await waiter(home, 'flavor small');
  const id = await node.submit(job.script);
  const { nodes } = await node.until(id, ({ phase }) => phase === 'running', 60);
  const [worker = ''] = nodes;
  const input = [
    `(await tree('/runners/')).map(({ path, phase }) => path + ' ' + phase).join()`,
    `(await store.get('/runners/${id}.1.0')).node`,
    // What it uses is measured again and again.
    `const turns = await trace('/runners/${id}.1.0', { seconds: 30, turns: 1 })`,
    'turns[0].heard',
    '',
  ].join('\n');
  const looked = await swm(['shell', worker, '--spool', node.spool], { input });
  expect([looked.code, looked.stderr]).toEqual([0, '']);
  const [runners, at, heard] = looked.stdout.trim().split('\n');
  expect(runners).toBe(`'/runners/${id}.1.0 running'`);
  expect(at).toBe(`'${worker}'`);
  expect(heard).toMatch(/^'(measured|remind|told runner\.taken by head \S+)'$/);
  const audit = readFileSync(join(node.spool, 'log', 'audit.jsonl'), 'utf8');
  expect(audit).toContain(`"what":"shell ${worker}","of":"turns[0].heard","result":"begun"`);
  const nobody = await swm(['shell', 'nobody', '--spool', node.spool], { input: '1\n' });
  expect(nobody.code).not.toBe(0);
  expect(nobody.stderr).toContain('nobody');
  await job.go();
  await node.until(id, isEnded);
});
