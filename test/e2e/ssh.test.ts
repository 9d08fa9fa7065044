import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leftIn } from '../gates/ssh-world.ts';
import { makeHost, type SshHost } from '../sshd/sshd.ts';
import { cleanup, type Dev, dev, folder, forAll } from './lab.ts';

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

describe('a site of hosts by SSH', { timeout: 120_000 }, () => {
  const world = forAll(async () => {
    const all = await hosts(2);
    const spool = join(await folder(), 'spool');
    return { all, spool, head: await head(spool, all) };
  });

  it('runs a job on two hosts that reach their head by its tunnels alone', async () => {
    const { head, all } = world();
    const job = await head.submit(script('#SWM nodes 2', 'echo "on $SWM_NODES"'));
    const ended = await head.until(job, ({ phase }) => phase === 'ended', 60);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, attempt: 1 });
    const { timeline } = (await head.client.call('job.show', { id: job })).job;
    console.log(timeline.map(({ at, what }) => `${at} ${what}`).join('\n'));
    expect(all.flatMap(({ directory }) => leftIn(directory))).toEqual([]);
  });
});
