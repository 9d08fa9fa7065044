import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Dev, dev, file, folder, swm, until } from './lab.ts';
import { alive, machineOf, processesOf, signal } from './machine.ts';
import { isEnded, logOf } from './waiter.ts';

const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A job that takes something, thinks a moment, and gives something; it counts its starts. */
async function worker(home: string, at: number, wishes: readonly string[]) {
  const from = join(home, `from-${at}`);
  await mkdir(from);
  const input = randomBytes(8 << 20);
  await file(join(from, 'in.bin'), input);
  const starts = await file(join(home, `starts-${at}`), '', 0o666);
  const script = [
    '#!/bin/sh',
    ...wishes.map((wish) => `#SWM ${wish}`),
    '#SWM input-files in.bin',
    '#SWM output-files out.bin',
    `echo x >>${starts}`,
    'i=0; while [ $i -lt 10 ]; do echo $i; i=$((i+1)); sleep 0.2; done',
    'cat in.bin in.bin >out.bin',
    `exit ${at}`,
    '',
  ].join('\n');
  await file(join(from, 'a.job'), script);
  return { at, from, starts, output: sum(Buffer.concat([input, input])) };
}

type Worker = Awaited<ReturnType<typeof worker>>;

/** The job ended as if nothing had happened, and nothing of it is left. */
async function isWhole(node: Dev, id: string, { at, from, starts, output }: Worker): Promise<void> {
  const ended = await node.until(id, isEnded, 60);
  expect(ended).toMatchObject({ state: 'F', exitcode: at, attempt: 1, run: 1 });
  expect(await logOf(node, id)).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
  expect(await readFile(starts, 'utf8')).toBe('x\n');
  expect((await node.run('get', id, '--to', join(from, 'got'))).code).toBe(0);
  expect(sum(await readFile(join(from, 'got', 'out.bin')))).toBe(output);
  expect(processesOf(id)).toEqual([]);
}

/** Kills the worker of a job a few times, each time that it is there again; gives how often. */
async function killWorkers(node: Dev, id: string, pauseMs: number): Promise<number> {
  let killed = 0;
  while (killed < 3) {
    let up: string | undefined;
    await until(async () => {
      const job = await node.job(id);
      const { nodes } = await node.client.call('node.list', {});
      up = nodes.find(({ name, phase }) => job.nodes.includes(name) && phase === 'up')?.name;
      return up !== undefined || isEnded(job);
    }, 40);
    if (up === undefined) return killed;
    await sleep(pauseMs);
    const { worker: pid } = machineOf(up);
    if (pid === 0) continue;
    signal(pid, 'SIGKILL');
    killed += 1;
    await until(() => !alive(pid));
  }
  return killed;
}

const isRoot = process.geteuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };
const LINES = Array.from({ length: 6 }, (_, at) => (at % 2 === 0 ? [] : ['relocatable']));

describe('killed again and again', { timeout: 120_000 }, () => {
  it('a head loses nothing: each job is submitted, runs and ends once', async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    let node = await dev(spool);
    const workers = await Promise.all(LINES.map((wishes, at) => worker(home, at, wishes)));
    const args = ['submit', '--spool', spool, '--wait', 'a.job'];
    const waits = workers.map(({ from }) => swm(args, { cwd: from }));
    for (const pauseMs of [300, 900, 1_500, 2_100, 2_700]) {
      await sleep(pauseMs);
      await node.kill('SIGKILL');
      node = await dev(spool);
    }
    const done = await Promise.all(waits);
    expect(done.map(({ stderr, code }) => [code, stderr])).toEqual(
      workers.map(({ at }) => [at, '']),
    );
    const ids = done.map(({ stdout }) => stdout.trim());
    expect((await node.jobs()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    for (const [at, id] of ids.entries()) await isWhole(node, id, workers[at]!);
    await until(() => readdirSync(join(spool, 'gates', 'local')).length === 0);
  });

  it('workers lose nothing, nor where swm is an ordinary user', async () => {
    const home = await folder();
    const spool = join(home, 'spool');
    await mkdir(spool);
    if (isRoot) await chown(spool, NOBODY.uid, NOBODY.gid);
    const node = await dev(spool, [], isRoot ? NOBODY : {});
    const workers = await Promise.all(
      [1, 2, 3].map((at) => worker(home, at, ['relocatable', 'output-files empty'])),
    );
    const args = ['submit', '--spool', node.spool, 'a.job'];
    const ids = await Promise.all(
      workers.map(async ({ from }) => (await swm(args, { cwd: from })).stdout.trim()),
    );
    const killed = await Promise.all(ids.map((id, at) => killWorkers(node, id, at * 250)));
    expect(Math.min(...killed)).toBeGreaterThan(0);
    for (const [at, id] of ids.entries()) await isWhole(node, id, workers[at]!);
    await until(() => readdirSync(join(node.spool, 'gates', 'local')).length === 0);
  });
});
