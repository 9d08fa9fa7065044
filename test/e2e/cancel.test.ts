import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobPhase, JobRow } from '../../src/protocol/model.ts';
import { type Dev, dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf, runningWith } from './machine.ts';
import { isEnded, pidOf, waiter } from './waiter.ts';

const SITES = [
  { name: 'local', kind: 'local', flavor: 'small', image: 'host' },
  {
    name: 'slow',
    kind: 'local',
    bootDelayMs: 600_000,
    flavors: { snail: { cpus: 1, memory: '64MiB' } },
  },
];

/** Cancels the job the moment that it is in the phase. */
async function cancelIn(node: Dev, id: string, phase: JobPhase): Promise<void> {
  for await (const { key, row } of node.client.watch('jobs', { id })) {
    if (key === '' || row === null) continue;
    const now = (row as JobRow).phase;
    if (now === 'ended') throw new Error(`it never was ${phase}`);
    if (now === phase) break;
  }
  const told = await node.client.call('job.cancel', { id });
  expect(told.phase).not.toBe('ended');
}

/** It ends cancelled, and nothing of it is left anywhere. */
async function isGone(node: Dev, id: string): Promise<void> {
  const ended = await node.until(id, isEnded);
  expect(ended).toMatchObject({ state: 'C', attempt: 1 });
  expect(processesOf(id)).toEqual([]);
  for (const site of ['local', 'slow'])
    expect(readdirSync(join(node.spool, 'gates', site))).toEqual([]);
  await until(() => !readdirSync(join(node.spool, 'job')).includes(id));
}

describe('cancel', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    const sites = ['--set', `remotes=${JSON.stringify(SITES)}`];
    const few = ['--set', 'resources.cpus=1', '--set', 'jobs.relocate=asked'];
    return { home, node: await dev(join(home, 'spool'), [...sites, ...few]) };
  });

  it('of a job in the queue: it never starts', async () => {
    const { home, node } = place();
    const [first, second] = [await waiter(home), await waiter(home)];
    const busy = await node.submit(first.script);
    await pidOf(node, busy);
    const id = await node.submit(second.script);
    expect((await node.job(id)).details).toContain('0 free now');
    expect(await node.run('cancel', id)).toMatchObject({ code: 0, stdout: `${id}\n` });
    await isGone(node, id);
    await node.run('cancel', busy);
    await isGone(node, busy);
    expect(await second.starts()).toBe(0);
  });

  it('of a job whose machines are still booting', async () => {
    const { home, node } = place();
    const job = await waiter(home, 'flavor snail', 'nodes 2');
    const id = await node.submit(job.script);
    const booting = await node.until(id, (row) => row.details === 'Partition spawned');
    expect(booting).toMatchObject({ phase: 'provisioning', state: 'W' });
    expect((await node.run('cancel', id)).code).toBe(0);
    await isGone(node, id);
    expect(await job.starts()).toBe(0);
  });

  it('of a job whose input is on its way', async () => {
    const { home, node } = place();
    await file(join(home, 'big'), Buffer.alloc(150 << 20, 'x'));
    const job = await waiter(home, 'relocatable', 'input-files big');
    await file(join(home, 'big.job'), job.script);
    const args = ['submit', '--spool', node.spool, 'big.job'];
    const id = (await swm(args, { cwd: home })).stdout.trim();
    await cancelIn(node, id, 'staging');
    await isGone(node, id);
    expect(await job.starts()).toBe(0);
  });

  it.each([
    ['on this node', []],
    ['on a cluster', ['relocatable']],
  ] as const)('%s kills also what hides from it', async (_, wishes) => {
    const { node } = place();
    const mark = `${1000 + Math.random()}`;
    const script = [
      '#!/bin/sh',
      ...wishes.map((wish) => `#SWM ${wish}`),
      "trap '' TERM HUP INT",
      `(setsid env -i sh -c '(trap "" TERM; sleep ${mark} & sleep ${mark}) &' &)`,
      `(cd / && setsid sleep ${mark} </dev/null >/dev/null 2>&1 &)`,
      `while :; do sleep 0.${mark.replace('.', '')}; done`,
    ].join('\n');
    const id = await node.submit(script);
    await until(() => runningWith(mark).length === 3);
    expect((await node.run('cancel', id)).code).toBe(0);
    await isGone(node, id);
    expect(runningWith(mark)).toEqual([]);
  });

  it('of a job whose results are being collected', async () => {
    const { node } = place();
    const script = '#!/bin/sh\n#SWM relocatable\n#SWM output-files o\nhead -c 150M /dev/zero >o\n';
    const id = await node.submit(script);
    await cancelIn(node, id, 'collecting');
    await isGone(node, id);
  });

  it('of a job that has ended, or never was, says so', async () => {
    const { node } = place();
    const id = await node.submit('#!/bin/sh\n');
    await node.until(id, isEnded);
    const done = await node.run('cancel', id);
    expect(done).toMatchObject({ code: 4, stdout: '' });
    expect(done.stderr).toContain(`job ${id}: it has ended already [wrong_phase]`);
    expect(await node.job(id)).toMatchObject({ state: 'F' });
    const none = await node.run('cancel', '00000000-0000-4000-8000-000000000000');
    expect(none).toMatchObject({ code: 5, stdout: '' });
    const both = await node.run('cancel', id, 'abcd1234');
    expect([4, 5]).toContain(both.code);
  });
});
