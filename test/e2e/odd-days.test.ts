import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll, swm } from './lab.ts';
import { alive, machineOf, processesOf, signal } from './machine.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

/** Longer than the silence after which a peer is taken as down. */
const NAP_MS = 8_000;

describe('a machine that falls asleep', { timeout: 90_000 }, () => {
  it('disturbs no job, be it the head’s or the worker’s', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'));
    const jobs = await Promise.all(
      [[], ['relocatable'], ['relocatable']].map((w) => waiter(home, ...w)),
    );
    const ids = await Promise.all(jobs.map((job) => node.submit(job.script)));
    const pids = await Promise.all(ids.map((id) => pidOf(node, id)));
    const { worker } = machineOf((await node.job(ids[1]!)).nodes[0]!);
    signal(worker, 'SIGSTOP');
    signal(node.pid, 'SIGSTOP');
    await sleep(NAP_MS);
    signal(node.pid, 'SIGCONT');
    await sleep(NAP_MS / 4);
    signal(worker, 'SIGCONT');
    await Promise.all(jobs.map((job) => job.go()));
    for (const [at, id] of ids.entries()) {
      expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
      expect(await logOf(node, id)).toBe(`begin ${pids[at]}\nend ${pids[at]}\n`);
      expect(await jobs[at]!.starts()).toBe(1);
    }
    expect(readdirSync(join(node.spool, 'gates', 'local'))).toEqual([]);
  });
});

describe('a job of two nodes', { timeout: 90_000 }, () => {
  it('begins anew when one of them is gone', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'));
    const job = await waiter(home, 'relocatable', 'nodes 2');
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const { init, worker } = machineOf((await node.job(id)).nodes[1]!);
    for (const each of [init, worker]) signal(each, 'SIGKILL');
    await node.until(id, (row) => row.attempt === 2);
    await node.until(id, (row) => row.phase === 'running');
    expect(alive(pid)).toBe(false);
    await job.go();
    const ended = await node.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 2, run: 1 });
    expect(processesOf(id)).toEqual([]);
    expect(readdirSync(join(node.spool, 'gates', 'local'))).toEqual([]);
  });
});

describe('a node whose host is called otherwise', { timeout: 60_000 }, () => {
  it('is who it was, and has its jobs; it takes no other name', async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    const job = await waiter(home);
    const first = await dev(spool, ['--set', 'name=alpha']);
    const id = await first.submit(job.script);
    const pid = await pidOf(first, id);
    expect(await first.kill('SIGTERM')).toBe(0);
    const other = await swm(['dev', '--spool', spool, '--set', 'name=beta']);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(`--set name: name: the node of ${spool} is alpha, and keeps`);
    // By default it would have the name of its host.
    const second = await dev(spool);
    expect((await second.client.call('node.status', {})).node).toBe('alpha');
    expect(await second.job(id)).toMatchObject({ phase: 'running', attempt: 1, nodes: ['alpha'] });
    await job.go();
    expect(await second.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
    expect(await logOf(second, id)).toBe(`begin ${pid}\nend ${pid}\n`);
  });
});

describe('a spool of any name', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const spool = join(await folder(), `my "spool"'s $(x) ü`, 'a'.repeat(90));
    await mkdir(spool, { recursive: true, mode: 0o711 });
    return { spool, node: await dev(spool) };
  });

  it('is as good as any other', async () => {
    const { node } = place();
    for (const wish of ['', '#SWM relocatable']) {
      const id = await node.submit(`#!/bin/sh\n${wish}\necho "$HOME"\nexit 6\n`);
      expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 6 });
      expect(await logOf(node, id)).toContain(`my "spool"'s $(x) ü`);
    }
  });
});

describe.runIf(process.geteuid?.() === 0)('a job that looks around', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    return { home, node: await dev(join(home, 'spool')) };
  });

  it('sees nothing of what is swm’s', async () => {
    const { node } = place();
    const { spool } = node;
    const script = [
      '#!/bin/sh',
      ...['', '/secure', '/blobs', '/run', '/log', '/control', '/job', '/gates'].map(
        (path) => `ls ${spool}${path} && echo seen ${path}`,
      ),
      `for f in ${spool}/secure/users/admin/key.pem ${spool}/run/node.json ${spool}/version; do`,
      '  cat $f && echo "read $f"; done',
      `kill -0 ${node.pid} && echo may signal swm`,
      'ls -l /proc/self/fd | grep -v "pipe\\|/dev/null\\|/proc/\\|total" | sed "s/.* -> //"',
      'env | grep -i "key\\|token\\|secret"',
      'exit 0',
    ].join('\n');
    const id = await node.submit(script);
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const open = join(spool, 'job', id, '1.0', 'stderr.log');
    expect(await logOf(node, id)).toBe(`${open}\n`);
  });

  it('takes nothing home by links that is not its own', async () => {
    const { home, node } = place();
    const secret = await file(join(home, 'secret'), 'top secret', 0o600);
    const script = [
      '#!/bin/sh',
      '#SWM output-files link folder out/deep',
      `ln -s ${secret} link; ln -s ${home} folder; mkdir out; ln -s ${home} out/deep`,
      `rm -f ../stdout.log; ln -sf ${secret} ../stdout.log`,
      'exit 0',
    ].join('\n');
    const id = await node.submit(script);
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const { job } = await node.client.call('job.show', { id });
    expect(job.outputs).toEqual([]);
    expect(job.missing).toEqual(['link', 'folder', 'out/deep']);
    expect(await logOf(node, id)).not.toContain('secret');
    expect((await node.run('get', id, '--to', join(home, 'got'))).stdout).not.toContain('secret');
  });
});
