import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { heads, logOf, place, submit, untilJob } from './heads.ts';
import { file, forAll, until } from './lab.ts';
import { endInstallation, processesOf } from './machine.ts';
import { isEnded } from './waiter.ts';

const group = forAll(() => heads({ heads: 1, workers: 3, isSwitched: true }));

const scriptOf = (...lines: readonly string[]): string =>
  ['#!/bin/sh', '#SWM nodes 3', '#SWM ranks main', ...lines, ''].join('\n');

/** The scheduler may have heard of a worker a moment later than the registry. */
async function begun(...lines: readonly string[]): Promise<string> {
  let id = '';
  await until(async () => {
    id = await submit(group().client(), scriptOf(...lines)).catch(() => '');
    return id !== '';
  });
  return id;
}

/** Runs a script to its end, and gives the job and its log, by lines in order. */
async function ran(...lines: readonly string[]): Promise<JobRow & { readonly lines: string[] }> {
  const client = group().client();
  const id = await begun(...lines);
  const job = await untilJob(client, id, isEnded);
  return { ...job, lines: (await logOf(client, id)).split('\n').slice(0, -1).sort() };
}

describe('swm task', { timeout: 60_000 }, () => {
  it('runs one copy of a command on each node', async () => {
    const job = await ran(
      'cat $SWM_HOSTFILE',
      "swm task sh -c 'echo $SWM_TASK_RANK/$SWM_TASKS_NUMBER $SWM_NODE_RANK $SWM_NODE_NAME'",
      'swm task sh -c \'[ $SWM_TASK_RANK != 1 ] || { echo "a  b"; exit 7; }\' || echo $?',
      'swm task --output out sh -c \'printf "%s" "$@"; echo e >&2\' x "1 2" "" "3"',
      'for f in out/*; do echo $f=$(cat $f); done',
      'swm nothing; echo $?',
    );
    expect(job).toMatchObject({ state: 'F', exitcode: 0 });
    const { nodes } = job;
    const { nodes: all } = await group().client().call('node.list', {});
    const addresses = nodes.map((name) => all.find((node) => node.name === name)?.address);
    expect(job.lines).toEqual(
      [
        ...addresses.map((address) => `${address} slots=1`),
        ...nodes.map((name, rank) => `[${rank}] ${rank}/3 ${rank} ${name}`),
        '[1] a  b',
        '7',
        ...[0, 1, 2].flatMap((rank) => [`out/${rank}.err=e`, `out/${rank}.out=1 23`]),
        '127',
      ].sort(),
    );
  });

  it('goes on when its head was away, and a worker, and the link between them', async () => {
    const [head] = group().heads;
    const client = group().client();
    const home = place(group());
    const go = join(home, 'go');
    const id = await begun(
      `swm task sh -c 'echo begin; until [ -e ${go} ]; do sleep 0.1; done; echo end'`,
    );
    const linesOf = async (): Promise<string[]> =>
      (await logOf(client, id)).split('\n').slice(0, -1).sort();
    const begin = ['[0] begin', '[1] begin', '[2] begin'];
    await until(async () => `${await linesOf()}` === `${begin}`);
    await head?.signal('SIGKILL');
    await head?.start();
    await group().leader();
    const { nodes } = await untilJob(client, id, ({ phase }) => phase === 'running');
    const worker = group().workers.find(({ name }) => name === nodes[1]);
    await worker?.signal('SIGKILL');
    await worker?.start();
    group().switchboard.cut(nodes[2] ?? '', 'h1', 'reset');
    await file(go, '');
    group().switchboard.heal();
    expect(await untilJob(client, id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const end = ['[0] end', '[1] end', '[2] end'];
    expect(await linesOf()).toEqual([...begin, ...end].sort());
  });

  it('leaves nothing behind when its job is cancelled', async () => {
    const client = group().client();
    const id = await begun("swm task sh -c 'setsid sleep 1000 & echo begin; wait'");
    await until(async () => (await logOf(client, id)).split('\n').length === 4);
    expect(processesOf(id).length).toBeGreaterThan(6);
    await client.call('job.cancel', { id });
    expect(await untilJob(client, id, isEnded)).toMatchObject({ state: 'C' });
    expect(processesOf(id)).toEqual([]);
  });
});

describe('a job of several nodes', { timeout: 60_000 }, () => {
  it('is ended whole when one of its nodes is gone', async () => {
    const client = group().client();
    const id = await begun('swm task sleep 1000');
    const { nodes } = await untilJob(client, id, ({ phase }) => phase === 'running');
    await until(() => processesOf(id).length > 5);
    const worker = group().workers.find(({ name }) => name === nodes[2]);
    await worker?.signal('SIGKILL');
    await endInstallation(worker?.spool ?? '');
    await client.call('node.gone', { node: nodes[2] ?? '' });
    const job = await untilJob(client, id, ({ attempt }) => attempt === 2);
    expect(['queued', 'placing']).toContain(job.phase);
    expect(processesOf(id)).toEqual([]);
    await client.call('job.cancel', { id });
    await untilJob(client, id, isEnded);
  });
});
