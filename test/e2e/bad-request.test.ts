import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll, swm } from './lab.ts';
import { isEnded, pidOf, waiter } from './waiter.ts';

describe('a request that cannot be fulfilled', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    const few = ['--set', 'resources.cpus=2', '--set', 'jobs.relocate=asked'];
    return { home, node: await dev(join(home, 'spool'), few) };
  });

  /** Submits as a user would from the folder of the job. */
  const submit = async (script: string, ...args: string[]) => {
    const { home, node } = place();
    await file(join(home, 'a.job'), script);
    return swm(['submit', '--spool', node.spool, ...args, 'a.job'], { cwd: home });
  };

  it('is told as a compiler would, all errors at once', async () => {
    const script = [
      '#!/bin/sh',
      '#SWM nmae x',
      'echo #SWM nothing',
      '#SWM cpus many',
      '#SWM  ports 8888/udp/in',
      '#SWM input-file a',
    ].join('\n');
    const done = await submit(script);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    const lines = done.stderr.trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^a\.job:2:6: .*`nmae`.*`name`/);
    expect(lines[1]).toMatch(/^a\.job:4:11: .*`cpus`.*`many`/);
    expect(lines[2]).toMatch(/^a\.job:5:\d+: .*`ports`/);
    expect(lines[3]).toMatch(/^a\.job:6:6: .*`input-file`.*`input-files`/);
    const { node } = place();
    expect(await node.jobs()).toEqual([]);
    // Those who bring their own terminal are told the same.
    const told = await node.client
      .call('job.submit', { script, inputs: [], file: 'b.job' })
      .catch((error: Error) => error.message.split('\n'));
    expect(told).toEqual(lines.map((line) => line.replace('a.job', 'b.job')));
  });

  it('names the input that is not there', async () => {
    const done = await submit('#!/bin/sh\n#SWM input-files here there/is-none\n');
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('input-files: here: there is no such file');
    const { node } = place();
    const script = '#!/bin/sh\n#SWM input-files data.csv\n';
    await expect(node.client.call('job.submit', { script, inputs: [] })).rejects.toThrow(
      'input file data.csv was not uploaded',
    );
  });

  it.each([
    [
      'cpus 500\n#SWM relocatable',
      'asks for 500 cpus, more than any flavor of local ' +
        '(the largest, large, has 8 cpus, 16384 MiB)',
    ],
    ['memory 900GiB\n#SWM relocatable', 'more than any flavor of local (the largest, large, '],
    ['cpus 3', 'needs 1 node with 3 cpus; 0 of the 1 nodes here ever could'],
    ['flavor huge', 'local has no flavor huge'],
    ['cloud-image mars\n#SWM relocatable', 'local has no image mars'],
    ['flavor tiny\n#SWM cpus 2', 'asks for 2 cpus, but tiny has 1 cpu, 512 MiB'],
  ])('is refused for good when asked for %j', async (wish, why) => {
    const done = await submit(`#!/bin/sh\n#SWM ${wish}\n`);
    expect(done).toMatchObject({ code: 4, stdout: '' });
    expect(done.stderr).toContain(why);
    expect(done.stderr).toContain('[impossible]');
    expect((await submit(`#!/bin/sh\n#SWM ${wish}\n`, '--wait')).code).toBe(125);
    expect(await place().node.jobs()).toEqual([]);
  });

  it('names who has the port, and gets it once it is free', async () => {
    const { home, node } = place();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '0.0.0.0', resolve));
    const { port } = holder.address() as { port: number };
    const job = await waiter(home, `ports ${port}/tcp/in`);
    const id = await node.submit(job.script);
    try {
      const { details } = await node.until(id, (row) => row.details.includes('held by'));
      expect(details).toContain(`Port ${port} on every address is held by node (pid `);
      expect(details).toContain(`(pid ${process.pid})`);
    } finally {
      holder.close();
    }
    const there = await node.until(id, (row) => row.phase === 'running' && row.details === '');
    expect(there.address).toMatch(/^127\.77\./);
    await job.go();
    await node.until(id, isEnded);
  });

  it('waits for the port that another job of the node has', async () => {
    const { home, node } = place();
    const [first, second] = [
      await waiter(home, 'ports 18888/tcp/in'),
      await waiter(home, 'ports 18888/tcp/in'),
    ];
    const one = await node.submit(first.script);
    await pidOf(node, one);
    const two = await node.submit(second.script);
    const waits = await node.until(two, (job) => job.details !== '');
    expect(waits).toMatchObject({ phase: 'queued', state: 'Q' });
    expect(waits.details).toContain('port 18888 is in use by another job');
    await first.go();
    await node.until(one, isEnded);
    await pidOf(node, two);
    expect((await node.job(two)).address).toMatch(/^127\.77\./);
    await second.go();
    expect(await node.until(two, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
  });
});
