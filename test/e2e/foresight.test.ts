import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

it('a job that waits is told what would start it and when, a script what would become of it', {
  timeout: 90_000,
}, async () => {
  const home = await folder();
  const node = await dev(join(home, 'spool'), [
    ...['--set', 'jobs.relocate=asked', '--set', 'resources.cpus=4'],
  ]);
  const one = await waiter(home, 'time 1h', 'cpus 3');
  const first = await node.submit(one.script);
  await node.until(first, ({ phase }) => phase === 'running');
  const second = await node.submit('#!/bin/sh\n#SWM cpus 2\n#SWM time 10m\n');
  await expect
    .poll(async () => (await node.client.call('job.why', { id: second })).waits)
    .toBe(true);

  const why = await node.client.call('job.why', { id: second });
  expect(why.change).toEqual({ does: 'ask', directive: 'cpus', value: '1', job: null });
  expect(why.reasons).toContainEqual(
    expect.stringMatching(/comes nearest: it has 1 of 2 cpus free/),
  );
  const said = await node.run('why', second);
  expect(said.stdout).toContain('it would start now with `cpus 1` in its script');

  const { start } = await node.client.call('job.when', { id: second });
  const now = Date.now();
  // Some time within the hour that the first has asked for.
  expect(start?.from).toBeGreaterThan(now - 1_000);
  expect(start?.until).toBeLessThan(now + 3_600_000);
  expect(start?.until).toBeGreaterThan(start?.from ?? 0);
  expect((await node.run('when', second)).stdout).toMatch(/waits: it starts between .* and /);
  expect((await node.run('when', first)).stdout).toContain('started at');

  const script = join(home, 'small.sh');
  await writeFile(script, '#!/bin/sh\n#SWM cpus 1\n#SWM time 10m\n');
  const plan = await node.run('plan', script);
  expect(plan.stdout).toMatch(
    /start +it starts at once\nplace +\S+ of here\ntime +10 min\ncost +0\n/,
  );
  const large = await node.run('plan', script, '--cpus', '9');
  expect(large).toMatchObject({ code: 4 });
  expect(large.stderr).toContain('impossible');
  // Nothing is kept of what was only asked about.
  expect(await node.jobs()).toHaveLength(2);

  // What it names is done as a user would do it.
  await node.run('cancel', second);
  const third = await node.submit(
    `#!/bin/sh\n#SWM ${why.change?.directive} ${why.change?.value}\n`,
  );
  expect(await node.until(third, isEnded)).toMatchObject({ state: 'F' });
  await one.go();
  await node.until(first, isEnded);
});
