import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { heads, jobOf, place, submit, untilJob } from './heads.ts';
import { forAll, until } from './lab.ts';

/** One head, and two workers that it was given: nobody can confirm that one of them is gone. */
const group = forAll(() => heads({ heads: 1, workers: 2, settings: { 'jobs.leaseMs': '3000' } }));

/** Says every tenth of a second which attempt it is, and when; it runs until it is killed. */
const ticking = (file: string, ...wishes: readonly string[]): string =>
  [
    '#!/bin/sh',
    ...wishes,
    `while :; do echo "$SWM_ATTEMPT $(date +%s%N)" >>'${file}'; sleep 0.1; done`,
  ].join('\n');

type Tick = { readonly attempt: number; readonly at: bigint };

const ticks = (file: string): readonly Tick[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^\d+ \d{19}$/.test(line))
    .map((line) => line.split(' '))
    .map(([attempt, at]) => ({ attempt: Number(attempt), at: BigInt(at ?? '0') }));

function fileOf(name: string): string {
  const file = join(place(group()), name);
  writeFileSync(file, '');
  chmodSync(file, 0o666);
  return file;
}

describe('a job on a node that was given and is cut off', { timeout: 120_000 }, () => {
  it('runs elsewhere if it says so, once it is dead there for sure', async () => {
    const client = group().client();
    const file = fileOf('requeue');
    const id = await submit(client, ticking(file, '#SWM on-node-loss requeue'));
    const runs = (job: JobRow) => job.phase === 'running' && job.startedAt > 0;
    const [first = ''] = (await untilJob(client, id, runs)).nodes;
    // It outlives several leases as long as it is heard of.
    await until(() => ticks(file).length > 60, 30);
    expect((await jobOf(client, id)).attempt).toBe(1);

    const worker = group().workers.find(({ name }) => name === first);
    await worker?.signal('SIGKILL');
    const silent = await untilJob(client, id, ({ details }) => details.includes('silent since'));
    expect([silent.phase, silent.attempt]).toEqual(['running', 1]);
    const next = await untilJob(client, id, (job) => job.attempt === 2 && runs(job), 60);
    expect(next.nodes).not.toContain(first);
    await until(() => ticks(file).some(({ attempt }) => attempt === 2));

    const all = ticks(file);
    const last = all.filter(({ attempt }) => attempt === 1).at(-1);
    const begin = all.find(({ attempt }) => attempt === 2);
    expect(begin && last && begin.at > last.at).toBe(true);
    const { timeline } = (await client.call('job.show', { id })).job;
    const told = timeline.find(({ what }) => what.includes('its lease ended at'));
    expect(told?.what).toMatch(new RegExp(`^node ${first} silent since .*; its lease ended at `));

    // The worker that comes back has nothing of it running, and changes nothing.
    await worker?.start();
    await until(async () => {
      const { nodes } = await client.call('node.list', {});
      return nodes.every(({ phase }) => phase === 'up');
    }, 30);
    expect(await jobOf(client, id)).toMatchObject({ attempt: 2, phase: 'running' });
    await client.call('job.cancel', { id });
    await untilJob(client, id, ({ phase }) => phase === 'ended');
    const after = ticks(file).filter(({ attempt }) => attempt === 1);
    expect(after.at(-1)).toEqual(last);
  });

  it('waits for its node if it does not', async () => {
    const client = group().client();
    const file = fileOf('wait');
    const id = await submit(client, ticking(file));
    const [name = ''] = (await untilJob(client, id, ({ phase }) => phase === 'running')).nodes;
    await until(() => ticks(file).length > 5, 30);
    const worker = group().workers.find((each) => each.name === name);
    await worker?.signal('SIGKILL');
    await untilJob(client, id, ({ details }) => details.includes('silent since'));
    const count = ticks(file).length;
    // Far beyond the lease of one that has one.
    await until(() => ticks(file).length > count + 150, 60);
    const job = await jobOf(client, id);
    expect(job).toMatchObject({ phase: 'running', attempt: 1 });
    expect(job.details).toMatch(new RegExp(`^running \\(node ${name} silent since `));
    await worker?.start();
    await untilJob(client, id, ({ details }) => !details.includes('silent'));
    await client.call('job.cancel', { id });
    await untilJob(client, id, ({ phase }) => phase === 'ended');
  });
});
