import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, swm } from './lab.ts';
import { processesOf } from './machine.ts';

describe('a job', { timeout: 90_000 }, () => {
  it('runs on this very node, with its environment, its logs and its exit code', async () => {
    const node = await dev(join(await folder(), 'spool'));
    const script = '#!/bin/sh\necho "out $SWM_JOB_NAME"\necho err >&2\nexit 7\n';
    const done = await swm(['submit', '--spool', node.spool, '--name', 'seven', '--wait', '-'], {
      input: script,
    });
    expect(done.code).toBe(7);
    const [job] = await node.jobs();
    expect(done.stdout.trim()).toBe(job?.id);
    expect(job).toMatchObject({ state: 'F', exitcode: 7, attempt: 1, run: 1 });
    expect((await node.run('logs', job!.id)).stdout).toBe('out seven\n');
    expect((await node.run('logs', '--stderr', job!.id)).stdout).toBe('err\n');
    expect(await node.kill('SIGTERM')).toBe(0);
  });

  it('lives its life on a cluster made for it, of which nothing is left', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'));
    await file(join(home, 'in.txt'), 'some input\n');
    const script = [
      '#!/bin/sh',
      '#SWM relocatable',
      '#SWM nodes 2',
      '#SWM input-files in.txt',
      '#SWM output-files out.txt',
      'echo "rank $SWM_NODE_RANK of $SWM_NODES"',
      'tr a-z A-Z <in.txt >out.txt',
      'sleep 5',
    ].join('\n');
    await file(join(home, 'two.job'), script);
    const submitted = await swm(['submit', '--spool', node.spool, 'two.job'], { cwd: home });
    expect(submitted.stderr).toBe('');
    const id = submitted.stdout.trim();
    const running = await node.until(id, (job) => job.phase === 'running');
    expect(running.nodes).toHaveLength(2);
    const ended = await node.until(id, (job) => job.phase === 'ended');
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, attempt: 1 });
    const log = (await node.run('logs', id)).stdout;
    expect(log).toBe(`rank 0 of ${running.nodes.join(',')}\n`);
    expect((await node.run('logs', '--rank', '1', id)).stdout).toContain('rank 1');
    expect((await node.run('get', id, '--to', join(home, 'got'))).code).toBe(0);
    const got = await swm(['--version']);
    expect(got.code).toBe(0);
    expect(readdirSync(join(home, 'got'))).toEqual(['out.txt']);
    const left = await node.run('clusters', '--json');
    expect(JSON.parse(left.stdout.trim().split('\n').at(-1) ?? '')).toEqual([]);
    expect(readdirSync(join(node.spool, 'gates', 'local'))).toEqual([]);
    expect(processesOf(id)).toEqual([]);
    expect(existsSync(join(node.spool, 'job', id))).toBe(false);
  });

  it('runs beside nine others, each on a cluster of its own', async () => {
    const node = await dev(join(await folder(), 'spool'));
    const script =
      '#!/bin/sh\n#SWM relocatable\ntouch ready; while [ ! -e go ]; do sleep 0.2; done\n';
    const ids = await Promise.all(Array.from({ length: 10 }, () => node.submit(script)));
    for (const id of ids) await node.until(id, (job) => job.phase === 'running', 60);
    const jobs = await node.jobs();
    expect(new Set(jobs.map((job) => job.cluster)).size).toBe(10);
    expect((await node.run('cancel', ...ids)).code).toBe(0);
    for (const id of ids) await node.until(id, (job) => job.phase === 'ended', 60);
    expect((await node.jobs()).map((job) => job.state)).toEqual(Array(10).fill('C'));
    expect(ids.flatMap(processesOf)).toEqual([]);
    expect(readdirSync(join(node.spool, 'gates', 'local'))).toEqual([]);
  });
});
