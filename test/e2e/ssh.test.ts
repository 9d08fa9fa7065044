import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { leftIn } from '../gates/ssh-world.ts';
import { makeHost, type SshHost } from '../sshd/sshd.ts';
import { cleanup, type Dev, dev, folder, forAll, until } from './lab.ts';
import { bearers } from './machine.ts';

/** Two hosts, and the archive that a head brings to them, which is made at the first need. */
async function hosts(count: number): Promise<readonly SshHost[]> {
  const made = await Promise.all(Array.from({ length: count }, () => makeHost()));
  for (const host of made) cleanup(() => host.close());
  await Promise.all(made.map((host) => host.start()));
  return made;
}

/** A head with a site of these hosts. It says that it is where nobody is: nobody can dial it. */
async function head(spool: string, all: readonly SshHost[], change: object = {}): Promise<Dev> {
  const given = all.map(({ address, port, user, key, directory, fingerprint }) => ({
    ...{ address, port, user, key, directory },
    hostKey: fingerprint,
    flavor: 'host',
    cpus: 1,
    memory: '1GiB',
    ...change,
  }));
  const remotes = [{ name: 'lab', kind: 'ssh', flavor: 'host', image: 'host', hosts: given }];
  const config = join(spool, '..', 'swm.yaml');
  writeFileSync(config, JSON.stringify({ remotes, mesh: { advertise: ['127.0.0.1:9'] } }));
  return dev(spool, ['--config', config]);
}

const script = (...lines: string[]): string =>
  ['#!/bin/sh', '#SWM flavor host', ...lines].join('\n');
const runs = ({ phase, startedAt }: JobRow): boolean => phase === 'running' && startedAt > 0;
const ended = ({ phase }: JobRow): boolean => phase === 'ended';

describe('a site of hosts by SSH', { timeout: 120_000 }, () => {
  const all = forAll(() => hosts(2));
  const left = (): readonly string[] => all().flatMap(({ directory }) => leftIn(directory));
  const open = async (change: object = {}): Promise<Dev> =>
    head(join(await folder(), 'spool'), all(), change);

  it('runs a job on two hosts that reach their head by its tunnels alone', async () => {
    const dev = await open();
    const id = await dev.submit(script('#SWM nodes 2', '#SWM output-files made', 'echo it >made'));
    const job = await dev.until(id, ended, 90);
    expect(job).toMatchObject({ state: 'F', exitcode: 0, attempt: 1 });
    const { timeline } = (await dev.client.call('job.show', { id })).job;
    const steps = timeline.map(({ what }) => what);
    // In this order, each of them for each node.
    const wanted = [
      'Partition spawned',
      'Waiting for ssh provisioning port',
      'Uploading the worker',
      'Start secured tunnel',
      'Waiting for Sky Port port readiness',
    ].map((step) => steps.findLastIndex((what) => what.startsWith(step)));
    expect(wanted).not.toContain(-1);
    expect(wanted).toEqual(wanted.toSorted((a, b) => a - b));
    expect(left()).toEqual([]);
  });

  it('attaches again what was cut, and what runs after a head that was killed', async () => {
    const spool = join(await folder(), 'spool');
    const file = join(spool, '..', 'go');
    const first = await head(spool, all());
    const id = await first.submit(script(`until [ -e ${file} ]; do sleep 0.1; done`, 'exit 7'));
    const { nodes } = await first.until(id, runs, 60);
    const isUp = async (dev: Dev): Promise<boolean> => {
      const list = await dev.client.call('node.list', {});
      return list.nodes.find(({ name }) => name === nodes[0])?.phase === 'up';
    };
    for (const host of all()) host.cut();
    await until(async () => !(await isUp(first)));
    await until(() => isUp(first), 30);
    expect(await first.job(id)).toMatchObject({ phase: 'running', attempt: 1 });
    await first.kill('SIGKILL');
    const second = await head(spool, all());
    await until(() => isUp(second), 30);
    expect(await second.job(id)).toMatchObject({ phase: 'running', attempt: 1 });
    writeFileSync(file, '');
    expect(await second.until(id, ended)).toMatchObject({ exitcode: 7, attempt: 1, state: 'F' });
    expect(left()).toEqual([]);
  });

  it('leaves nothing on the hosts of a job that is cancelled', async () => {
    const dev = await open();
    const stubborn = `trap '' TERM; (env -i setsid sh -c 'while :; do sleep 0.1; done') & wait`;
    const id = await dev.submit(script(stubborn));
    const { nodes } = await dev.until(id, runs, 60);
    expect(bearers(`/${nodes[0]}\0`)).not.toEqual([]);
    await dev.client.call('job.cancel', { id });
    expect(await dev.until(id, ended, 60)).toMatchObject({ state: 'C' });
    expect([left(), bearers(`/${nodes[0]}\0`)]).toEqual([[], []]);
  });

  it('does not take another host for one that it knows, and says so', async () => {
    const dev = await open();
    await dev.until(await dev.submit(script('true')), ended, 60);
    // Leases go on by the sessions that there are; whoever logs in anew meets another host.
    for (const host of all()) {
      await host.stop();
      host.changeHostKey();
      await host.start();
    }
    const id = await dev.submit(script('true'));
    const job = await dev.until(id, ended, 60);
    expect(job).toMatchObject({ state: 'E' });
    expect(job.details).toMatch(/shows the host key SHA256:.* instead of SHA256:/);
    expect(left()).toEqual([]);
  });
});
