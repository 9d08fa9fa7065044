import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

const set = (key: string, value: object | string): string[] => [
  '--set',
  `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
];

it('jobs get what they ask for by the policy of their head, and hear why they wait', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const node = await dev(join(home, 'spool'), [
    ...set('jobs.relocate', 'asked'),
    ...set('resources.cpus', '4'),
    ...set('resources.named', { tape: 1 }),
    ...set('labels', ['fast']),
    ...set('scheduler.queues', { short: { timeMaxMs: 3_600_000 }, closed: { users: ['nobody'] } }),
    ...set('scheduler.preemption.by', 'requeue'),
  ]);
  const why = async (id: string): Promise<string> => (await node.run('why', id, '--all')).stdout;
  const refused = async (lines: string): Promise<string> =>
    node.submit(`#!/bin/sh\n#SWM ${lines}\n`).then(String, (error: Error) => error.message);

  expect(await refused('queue night')).toContain('there is no queue night, only short, closed');
  expect(await refused('queue closed')).toContain('is not for this user and account');
  expect(await refused('queue short\n#SWM time 2h')).toContain('may run for 3600 s at most');
  expect(await refused('constraint slow')).toContain('labelled slow');
  expect(await refused('resource tape 2')).toContain('2 tape');

  const one = await waiter(home, 'resource tape\n#SWM constraint fast\n#SWM queue short');
  const first = await node.submit(one.script);
  await node.until(first, ({ phase }) => phase === 'running');
  expect((await node.client.call('job.show', { id: first })).job.spec.walltimeMs).toBe(3_600_000);
  const second = await node.submit('#!/bin/sh\n#SWM resource tape\n');
  await expect
    .poll(() => why(second), { timeout: 20_000 })
    .toMatch(/needs 1 node with 1 cpu, 1 tape; 0 free now; room is kept for it from \d{4}-/);
  await one.go();
  expect(await node.until(second, isEnded)).toMatchObject({ state: 'F' });

  const gang = '#!/bin/sh\n#SWM gang g 2\n';
  const half = await node.submit(gang);
  await expect.poll(() => why(half), { timeout: 20_000 }).toContain('1 of 2 jobs wait');
  const other = await node.submit(gang);
  for (const id of [half, other]) await node.until(id, isEnded);

  const low = await waiter(home, 'preemptible\n#SWM exclusive');
  const victim = await node.submit(low.script);
  await node.until(victim, ({ phase }) => phase === 'running');
  const high = await node.submit('#!/bin/sh\n#SWM priority 5\n#SWM cpus 3\n');
  expect(await node.until(high, isEnded)).toMatchObject({ state: 'F' });
  await node.until(victim, ({ phase, attempt }) => phase === 'running' && attempt === 2);
  await low.go();
  expect(await node.until(victim, isEnded)).toMatchObject({ exitcode: 3, attempt: 2 });
  const { job } = await node.client.call('job.show', { id: victim });
  expect(job.timeline.map(({ what }) => what)).toContain(
    `made room for job ${high}, which goes before it`,
  );
});
