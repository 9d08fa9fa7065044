import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Dev, dev, folder, forAll, until } from './lab.ts';
import { alive, machineOf, processesOf, signal, startersOf } from './machine.ts';
import { isEnded, logOf, pidOf, type Waiter, waiter } from './waiter.ts';

/** Ends the job, and says that it was one attempt with its own end. */
async function endsWell(node: Dev, id: string, pid: number, job: Waiter): Promise<void> {
  expect(alive(pid)).toBe(true);
  await job.go();
  const ended = await node.until(id, isEnded);
  expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1, run: 1 });
  expect(await logOf(node, id)).toBe(`begin ${pid}\nend ${pid}\n`);
  expect(await job.starts()).toBe(1);
  expect(processesOf(id)).toEqual([]);
}

const clustersOf = (node: Dev): string[] => readdirSync(join(node.spool, 'gates', 'local'));

describe('a worker of a made cluster', { timeout: 90_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    return { home, node: await dev(join(home, 'spool')) };
  });

  it('that is killed comes again, and takes its job up as it is', async () => {
    const { home, node } = place();
    const job = await waiter(home, 'relocatable');
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const machine = (await node.job(id)).nodes[0]!;
    const { worker, init } = machineOf(machine);
    signal(worker, 'SIGKILL');
    await until(() => ![0, worker].includes(machineOf(machine).worker));
    expect(machineOf(machine).init).toBe(init);
    await endsWell(node, id, pid, job);
    expect(clustersOf(node)).toEqual([]);
  });

  it('that is killed just when its job ends tells how it ended', async () => {
    const { home, node } = place();
    const job = await waiter(home, 'relocatable');
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const { worker } = machineOf((await node.job(id)).nodes[0]!);
    // Stopped, it cannot hear of the end; killed, it never has.
    signal(worker, 'SIGSTOP');
    await job.go();
    await until(() => !alive(pid));
    signal(worker, 'SIGKILL');
    const ended = await node.until(id, isEnded, 60);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
    expect(await logOf(node, id)).toBe(`begin ${pid}\nend ${pid}\n`);
  });

  it('that dies with its whole machine costs the job an attempt, and leaves nothing', async () => {
    const { home, node } = place();
    const job = await waiter(home, 'relocatable');
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const { worker, init } = machineOf((await node.job(id)).nodes[0]!);
    signal(init, 'SIGKILL');
    signal(worker, 'SIGKILL');
    const again = await node.until(id, (row) => row.attempt === 2, 30);
    expect(again).toMatchObject({ run: 1 });
    expect(alive(pid)).toBe(false);
    await node.until(id, (row) => row.phase === 'running', 60);
    expect(await job.starts()).toBe(2);
    await job.go();
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3, attempt: 2 });
    expect(clustersOf(node)).toEqual([]);
    expect(processesOf(id)).toEqual([]);
  });
});

describe('what starts jobs', { timeout: 90_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    return { home, node: await dev(spool), spool };
  });

  it.each([
    ['the slot', ['swm-slot']],
    ['the keeper', ['swm-keeper']],
  ] as const)('%s: killed, it takes no job with it and costs no exit code', async (_, names) => {
    const { home, node, spool } = place();
    const job = await waiter(home);
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    for (const name of names) for (const each of startersOf(spool, name)) signal(each, 'SIGKILL');
    await endsWell(node, id, pid, job);
    // And others run as before.
    const next = await waiter(home);
    const nextId = await node.submit(next.script);
    await endsWell(node, nextId, await pidOf(node, nextId), next);
  });

  it('killed altogether: the job goes on, and how it ended is told, or is not known', async () => {
    const { home, node, spool } = place();
    const job = await waiter(home);
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const starters = [...startersOf(spool, 'swm-keeper'), ...startersOf(spool, 'swm-slot')];
    for (const each of starters) signal(each, 'SIGKILL');
    await until(() => !starters.some(alive));
    expect(alive(pid)).toBe(true);
    expect(await node.job(id)).toMatchObject({ phase: 'running', attempt: 1 });
    await job.go();
    const ended = await node.until(id, isEnded);
    // The system's init may have left its status to be seen; nobody makes one up.
    if (ended.state === 'F') expect(ended).toMatchObject({ exitcode: 3, attempt: 1 });
    else expect(ended).toMatchObject({ state: 'E', attempt: 1, details: LOST });
    expect(await logOf(node, id)).toBe(`begin ${pid}\nend ${pid}\n`);
    expect(await job.starts()).toBe(1);
  });

  it.each(['before', 'after'])(
    'stopped %s the next life of the worker has given the order again, it starts once',
    async (when) => {
      const home = await folder();
      const spool = join(home, 'spool');
      const first = await dev(spool);
      const slots = startersOf(spool, 'swm-slot');
      expect(slots.length).toBeGreaterThan(0);
      for (const slot of slots) signal(slot, 'SIGSTOP');
      const job = await waiter(home);
      const id = await first.submit(job.script);
      await first.until(id, (row) => row.phase === 'starting');
      await first.kill('SIGKILL');
      expect(processesOf(id)).toEqual([]);
      if (when === 'before') for (const slot of slots) signal(slot, 'SIGCONT');
      const second = await dev(spool);
      const pid = await pidOf(second, id);
      for (const slot of slots) signal(slot, 'SIGCONT');
      await until(() => !slots.some(alive));
      await endsWell(second, id, pid, job);
    },
  );

  it('still waiting for its input when the worker is killed: it is one attempt', async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    const { job, id, feed, first } = await fasting(home, spool);
    await first.kill('SIGKILL');
    const second = await dev(spool);
    expect(await second.job(id)).toMatchObject({ phase: 'running', attempt: 1 });
    await feed();
    await endsWell(second, id, await pidOf(second, id), job);
  });

  it('killed with what starts it, still waiting for its input: the job says so', async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    const { job, id, first } = await fasting(home, spool);
    for (const slot of startersOf(spool, 'swm-slot')) signal(slot, 'SIGKILL');
    const ended = await first.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'E', attempt: 1 });
    expect(ended.details).toContain('killed by signal 9');
    expect(await job.starts()).toBe(0);
  });
});

const LOST = 'its process is gone, and nothing tells how it ended';

/** A job whose process waits for a writer to its input, before it is the job's program. */
async function fasting(home: string, spool: string) {
  const pipe = join(home, 'pipe');
  execFileSync('mkfifo', ['-m', '644', pipe]);
  const first = await dev(spool);
  const job = await waiter(home, `stdin ${pipe}`);
  const id = await first.submit(job.script);
  const record = join(spool, 'run', 'attempts', `${id}.1.0.record`);
  await until(() => existsSync(record) && /^pid /m.test(readFileSync(record, 'latin1')));
  return { job, id, first, feed: () => writeFile(pipe, 'fed\n') };
}
