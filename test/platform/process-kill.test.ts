import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Exit, Processes, ProcessOrder } from '../../src/actors/ports.ts';
import { codeOf, open, someKey } from '../ports/processes.suite.ts';
import { isAlive, RealPlace, readText, until } from './process-place.ts';

let place: RealPlace;
const workers: ChildProcess[] = [];

beforeEach(() => {
  place = new RealPlace();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
  await place.clear();
});

const kill = (pid: number): true => process.kill(pid, 'SIGKILL');

/** A worker in another process; `said` is what it has printed. */
async function startWorker(launcher = 'perl') {
  const program = join(import.meta.dirname, 'process-worker.ts');
  const child = spawn(process.execPath, [program, place.records, place.root, launcher], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  workers.push(child);
  if (!child.stdin || !child.stdout) throw new Error('no pipes');
  const { stdin, stdout } = child;
  let said = '';
  stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await until('the worker is open', () => said.includes('open\n'));
  return {
    ensure: (order: ProcessOrder) => void stdin.write(`${JSON.stringify(order)}\n`),
    pid: () => until('the worker tells a pid', () => /pid (\d+)\n/.exec(said)?.[1]).then(Number),
    async kill() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe.each(['perl', 'node'] as const)('a worker that is killed, under %s', (launcher) => {
  it('finds its processes again in its next life, and how they ended', async () => {
    const [running, ended] = [place.waiting(someKey()), place.waiting(someKey())];
    const worker = await startWorker(launcher);
    worker.ensure(running.order);
    const pid = await worker.pid();
    worker.ensure(ended.order);
    await until('both run', () => [running, ended].every((job) => place.starts(job.order.key)));
    await worker.kill();
    ended.go();
    await until('one has ended', () => place.record(ended.order.key).includes('\nexit '));
    const processes = await place.open();
    expect((await processes.ensure(running.order)).pid).toBe(pid);
    expect(await processes.exited(ended.order.key, open)).toMatchObject({ code: 17, lost: false });
    const exit = processes.exited(running.order.key, open);
    expect(isAlive(pid)).toBe(true);
    running.go();
    expect(await exit).toMatchObject({ code: 17, signal: 0, lost: false });
    expect([running, ended].map((job) => place.starts(job.order.key))).toEqual([1, 1]);
  });

  it('starts once what it was killed in the middle of starting', async () => {
    for (let round = 0; round < 5; round++) {
      const { order, go } = place.waiting(someKey());
      const worker = await startWorker(launcher);
      worker.ensure(order);
      await sleep(round);
      await worker.kill();
      const processes = await place.open();
      const told = await codeOf(processes.ensure(order));
      go();
      // What was claimed and not yet started when its worker died is given up, and never runs.
      if (told === 'none')
        expect(await processes.exited(order.key, open)).toMatchObject({ code: 17 });
      expect([told, place.starts(order.key)]).toEqual(
        told === 'none' ? ['none', 1] : ['start_failed', 0],
      );
      processes.close();
    }
  }, 60_000);
});

describe('an order whose worker is gone', () => {
  it('starts nothing, though its slot reads it late', async () => {
    const worker = await startWorker();
    const first = place.order(someKey(), { is: 'exits', code: 0 });
    worker.ensure(first);
    await until('one has ended', () => place.record(first.key).includes('\nexit '));
    const slot = place.slotOf(first.key);
    const order = place.order(someKey(), { is: 'exits', code: 5 });
    process.kill(slot, 'SIGSTOP');
    worker.ensure(order);
    await sleep(100);
    await worker.kill();
    const processes = await place.open();
    await processes.ensure(order);
    expect(await processes.exited(order.key, open)).toMatchObject({ code: 5 });
    await processes.forget(order.key);
    process.kill(slot, 'SIGCONT');
    await until('the slot has gone', () => !isAlive(slot));
    expect([place.starts(order.key), place.record(order.key)]).toEqual([1, '']);
  });

  it('leaves its job nothing that the worker had open', async () => {
    const worker = await startWorker();
    const order = place.script(someKey(), '#!/usr/bin/perl\nprint join " ", </proc/$$/fd/*>;\n');
    worker.ensure(order);
    const pid = await worker.pid();
    await until('it has ended', () => place.record(order.key).includes('\nexit '));
    const fds = readText(order.stdout)
      .split(' ')
      .map((path) => path.replace(`/proc/${pid}/fd/`, ''));
    // 3 is the script that perl reads.
    expect(fds).toEqual(['0', '1', '2', '3']);
    await worker.kill();
  });
});

describe('under a worker that lives', () => {
  let processes: Processes & { close(): void };
  beforeEach(async () => {
    processes = await place.open();
  });

  const begin = async (job = place.waiting(someKey())) => {
    const { pid } = await processes.ensure(job.order);
    await until('it runs', () => place.starts(job.order.key));
    return { ...job, pid, key: job.order.key, exit: processes.exited(job.order.key, open) };
  };

  it('a killed slot leaves its job alone, and the exit code is known even so', async () => {
    const { key, pid, go, exit } = await begin();
    kill(place.slotOf(key));
    const next = await begin();
    expect(isAlive(pid)).toBe(true);
    next.go();
    expect(await next.exit).toMatchObject({ code: 17 });
    go();
    expect(await exit).toMatchObject({ code: 17, signal: 0, lost: false });
    expect(place.starts(key)).toBe(1);
  });

  it('a slot killed while no worker lives does not lose the exit code either', async () => {
    const { key, go, pid } = await begin();
    processes.close();
    kill(place.slotOf(key));
    go();
    await until('it is gone and reaped', () => !existsSync(`/proc/${pid}`));
    expect(place.record(key)).not.toMatch(/\n(done|exit|lost) /);
    processes = await place.open();
    expect(await processes.exited(key, open)).toMatchObject({ code: 17, lost: false });
  });

  it('a job whose slot was killed can still be stopped, with all of it', async () => {
    const pids = join(place.work, 'pids');
    const loop = `trap "" TERM; echo $$ >>${pids}; while :; do sleep 1; done`;
    const key = someKey();
    const order = place.script(
      key,
      `#!/bin/sh\n(setsid sh -c '${loop}' &)\n(exec sh -c '${loop}')\n`,
    );
    await processes.ensure(order);
    const all = await until('two loops run', () => {
      const found = readText(pids).trim().split('\n');
      return found.length === 2 && found.map(Number);
    });
    kill(place.slotOf(key));
    await processes.stop(key, 20);
    expect(all.filter(isAlive)).toEqual([]);
    expect(await processes.exited(key, open)).toMatchObject({ lost: false });
  });

  /** Whether somebody else reaped it before we looked decides if its end is known. */
  const knownOrLost = (exit: Exit, known: Partial<Exit>): void =>
    expect(exit).toMatchObject(exit.lost ? { code: 0, signal: 0 } : known);

  it('a job without slot and keeper is watched to its end', async () => {
    const { key, pid, go, exit } = await begin();
    const slot = place.slotOf(key);
    for (const keeper of place.keepers()) if (keeper !== slot) kill(keeper);
    await until('the others are gone', () => place.keepers().every((each) => each === slot));
    kill(slot);
    await until('the slot is gone', () => place.keepers().length === 0);
    expect(isAlive(pid)).toBe(true);
    go();
    knownOrLost(await exit, { code: 17, signal: 0 });
    const next = await begin();
    next.go();
    expect(await next.exit).toMatchObject({ code: 17, lost: false });
  });

  it('a job that is lost leaves nothing of its tree', async () => {
    const pids = join(place.work, 'pids');
    const key = someKey();
    const hide = `(setsid sh -c 'echo $$ >${pids}; exec sleep 60' &)`;
    const order = place.script(key, `#!/bin/sh\n${hide}\nexec sleep 60\n`);
    const { pid } = await processes.ensure(order);
    const hidden = await until('it hides', () => Number(readText(pids)) || undefined);
    for (const keeper of place.keepers()) kill(keeper);
    kill(pid);
    knownOrLost(await processes.exited(key, open), { code: 0, signal: 9 });
    expect(isAlive(hidden)).toBe(false);
  });

  it('a killed main process is no riddle', async () => {
    const { pid, exit } = await begin();
    kill(pid);
    expect(await exit).toMatchObject({ code: 0, signal: 9, lost: false, outOfMemory: false });
  });

  it('a killed keeper is replaced by the next slot that is needed', async () => {
    const jobs = [await begin(), await begin()];
    const slots = jobs.map(({ key }) => place.slotOf(key));
    for (const keeper of place.keepers().filter((each) => !slots.includes(each))) kill(keeper);
    jobs.push(await begin(), await begin());
    for (const { go } of jobs) go();
    for (const { exit } of jobs) expect(await exit).toMatchObject({ code: 17, lost: false });
  });
});
