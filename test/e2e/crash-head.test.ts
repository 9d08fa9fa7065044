import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, folder, until } from './lab.ts';
import { alive, bearers, processesOf } from './machine.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

describe('a head that is killed', { timeout: 90_000 }, () => {
  it('disturbs no job, here or on a cluster, that ends before or after the restart', async () => {
    const home = await folder();
    const args = ['--set', 'resources.cpus=2', '--set', 'jobs.relocate=asked'];
    const first = await dev(join(home, 'spool'), args);
    const jobs = await Promise.all(
      [[], [], ['relocatable'], ['relocatable']].map(async (wishes) => {
        const job = await waiter(home, ...wishes);
        const id = await first.submit(job.script);
        return { ...job, id, pid: await pidOf(first, id) };
      }),
    );
    const [early, late] = [
      [jobs[0]!, jobs[2]!],
      [jobs[1]!, jobs[3]!],
    ];
    await first.kill('SIGKILL');
    expect(jobs.filter(({ pid }) => !alive(pid))).toEqual([]);
    for (const job of early) await job.go();
    await until(() => early.every(({ pid }) => !alive(pid)));
    const second = await dev(join(home, 'spool'), args);
    for (const { id, pid } of late) {
      await second.until(id, (row) => row.phase === 'running');
      expect(alive(pid)).toBe(true);
    }
    for (const job of late) await job.go();
    for (const { id, pid, starts } of jobs) {
      const ended = { state: 'F', exitcode: 3, attempt: 1, run: 1 };
      expect(await second.until(id, isEnded)).toMatchObject(ended);
      expect(await logOf(second, id)).toBe(`begin ${pid}\nend ${pid}\n`);
      expect(await starts()).toBe(1);
      expect(processesOf(id)).toEqual([]);
    }
    expect(readdirSync(join(second.spool, 'gates', 'local'))).toEqual([]);
  });

  it('has lost nothing that it acknowledged a moment before', async () => {
    const home = await folder();
    const first = await dev(join(home, 'spool'), ['--set', 'jobs.relocate=asked']);
    const script = '#!/bin/sh\nexit 0\n';
    const acked: string[] = [];
    const kept = (given: { readonly id: string }): void => void acked.push(given.id);
    for (let at = 0; at < 40; at++)
      void first.client.call('job.submit', { script, inputs: [] }).then(kept, () => {});
    await until(() => acked.length >= 20);
    const gone = first.kill('SIGKILL');
    const known = [...acked];
    await gone;
    first.client.close();
    const second = await dev(join(home, 'spool'), ['--set', 'jobs.relocate=asked']);
    const ids = (await second.jobs()).map((job) => job.id);
    expect(known.filter((id) => !ids.includes(id))).toEqual([]);
    for (const id of known) expect(await second.until(id, isEnded)).toMatchObject({ state: 'F' });
  });
});

describe('a head that is told to end', { timeout: 90_000 }, () => {
  it('ends at once and well, and finds its jobs again', async () => {
    const home = await folder();
    const [here, there, later] = await Promise.all([
      waiter(home),
      waiter(home, 'relocatable'),
      waiter(home, 'cpus 2'),
    ]);
    const args = ['--set', 'resources.cpus=2', '--set', 'jobs.relocate=asked'];
    const first = await dev(join(home, 'spool'), args);
    const ids = [await first.submit(here.script), await first.submit(there.script)];
    const pids = [await pidOf(first, ids[0]!), await pidOf(first, ids[1]!)];
    ids.push(await first.submit(later.script));
    const begun = performance.now();
    expect(await first.kill('SIGTERM')).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(pids.every(alive)).toBe(true);
    const second = await dev(join(home, 'spool'), args);
    for (const id of ids.slice(0, 2)) await second.until(id, (job) => job.phase === 'running');
    expect(await second.job(ids[2]!)).toMatchObject({ state: 'Q', attempt: 1 });
    for (const job of [here, there, later]) await job.go();
    for (const id of ids)
      expect(await second.until(id, isEnded)).toMatchObject({ exitcode: 3, attempt: 1 });
    for (const job of [here, there, later]) expect(await job.starts()).toBe(1);
    expect(await logOf(second, ids[1]!)).toBe(`begin ${pids[1]}\nend ${pids[1]}\n`);
  });

  it('leaves nothing behind when it is ephemeral', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'), ['--ephemeral']);
    const stubborn = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n";
    const relocatable = stubborn.replace('\n', '\n#SWM relocatable\n');
    const ids = await Promise.all([stubborn, relocatable].map((script) => node.submit(script)));
    for (const id of ids) await node.until(id, (job) => job.phase === 'running');
    const marks = bearers(join(home, 'spool')).concat(ids.flatMap(processesOf));
    expect(await node.kill('SIGTERM')).toBe(0);
    expect(marks.filter(alive)).toEqual([]);
    expect(ids.flatMap(processesOf)).toEqual([]);
    expect(existsSync(join(home, 'spool'))).toBe(false);
  });
});
