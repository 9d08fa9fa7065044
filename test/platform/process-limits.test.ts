import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Processes } from '../../src/actors/ports.ts';
import {
  closeFence,
  freeze,
  inside,
  isFrozen,
  makeFence,
  openFences,
} from '../../src/platform/process/fence.ts';
import { readMounts } from '../../src/platform/process/fence-controls.ts';
import { limits } from '../../src/protocol/limits.ts';
import { open, someKey } from '../ports/processes.suite.ts';
import { RealPlace, readText, until } from './process-place.ts';

const MIB = 1 << 20;
const { controls } = openFences('/', true);
const may = (name: keyof typeof controls) => controls[name] !== undefined;

/** Writes twice that much, and keeps half of it. */
const eats = (bytes: number): string =>
  `#!/usr/bin/perl\nmy $x = 'x' x ${bytes}; print length $x; exit 5;\n`;

describe('limits', () => {
  let place: RealPlace;
  let processes: Processes & { close(): void };
  beforeEach(async () => {
    place = new RealPlace();
    processes = await place.open();
  });
  afterEach(() => place.clear());

  const run = async (text: string, wanted: Partial<typeof none>) => {
    const order = { ...place.script(someKey(), text), limits: { ...none, ...wanted } };
    const { unenforced } = await processes.ensure(order);
    const exit = await processes.exited(order.key, open);
    return { exit, unenforced, out: readText(order.stdout) };
  };

  it('tells what is not enforced here, and only that', async () => {
    const { unenforced } = await run('exit 0', { memoryBytes: 64 * MIB, cpus: 1, gpus: 1 });
    const words = unenforced.join('\n');
    expect(/memory/.test(words)).toBe(!may('memory'));
    expect(/cpus/.test(words)).toBe(!may('cpu'));
    expect(/processes/.test(words)).toBe(!may('pids'));
    expect(/gpus/.test(words)).toBe(true);
    const rest = await run('exit 0', {});
    expect(rest.unenforced.join('\n')).not.toMatch(/memory|cpus|gpus/);
  });

  it('ends for want of memory what takes more, and says so, and nothing else', async () => {
    const over = await run(eats(200 * MIB), { memoryBytes: 64 * MIB });
    const under = await run(eats(4 * MIB), { memoryBytes: 64 * MIB });
    const free = await run(eats(100 * MIB), {});
    expect(under.exit).toMatchObject({ code: 5, outOfMemory: false });
    expect(free.exit).toMatchObject({ code: 5, outOfMemory: false });
    if (may('memory')) expect(over.exit).toMatchObject({ signal: 9, outOfMemory: true });
    else expect(over.exit).toMatchObject({ code: 5, outOfMemory: false });
  });

  it('tells it too when a child was killed and the script went on', async () => {
    const { exit } = await run(`#!/bin/sh\nperl -e 'my $x = "x" x ${200 * MIB}'\nexit 3\n`, {
      memoryBytes: 64 * MIB,
    });
    expect(exit).toMatchObject({ code: 3, outOfMemory: may('memory') });
  });

  it('sets the limits of each attempt anew', async () => {
    const own = (name: 'cpu' | 'pids', file: string) => {
      const control = controls[name];
      const from = control?.version === 1 ? `[0-9]*:[^:]*\\b${name}\\b[^:]*:` : '0::';
      const within = `$(grep -E "^${from}" /proc/$$/cgroup | cut -d: -f3 | xargs basename)`;
      return control ? `cat ${control.dir}/${within}/${file}\n` : 'echo none\n';
    };
    const cpuFile = controls.cpu?.version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max';
    const text = `#!/bin/sh\n${own('cpu', cpuFile)}${own('pids', 'pids.max')}`;
    const seen = [];
    for (const cpus of [1, 3, 0]) seen.push((await run(text, { cpus })).out.split('\n')[0]);
    const v1 = controls.cpu?.version === 1;
    const wanted = v1
      ? ['100000', '300000', '-1']
      : ['100000 100000', '300000 100000', 'max 100000'];
    expect(seen).toEqual(may('cpu') ? wanted : ['none', 'none', 'none']);
    const pids = (await run(text, {})).out.split('\n')[1];
    expect(pids).toBe(may('pids') ? `${limits.jobProcessesMax}` : 'none');
  });

  it('does not charge a job for what another left in memory', async () => {
    const shm = '/dev/shm';
    const file = join(shm, `${place.root.split('/').at(-1)}`);
    const fill = `#!/bin/sh\nhead -c ${80 * MIB} /dev/zero >${file}\n`;
    const wanted = { memoryBytes: 128 * MIB };
    try {
      expect((await run(fill, wanted)).exit.code).toBe(0);
      expect(readdirSync(shm)).toContain(file.split('/').at(-1));
      for (let n = 0; n < 3; n++)
        expect((await run(eats(40 * MIB), wanted)).exit).toMatchObject({ code: 5 });
    } finally {
      await run(`#!/bin/sh\nrm -f ${file}\n`, {});
    }
  });
});

describe('a freeze', () => {
  const mounts = readMounts(readText('/proc/self/mountinfo'), readText('/proc/self/cgroup')).filter(
    ({ version, names }) => version === 2 || names.includes('freezer'),
  );

  it('holds and lets go, in each version that there is', async () => {
    for (const { dir, version } of mounts) {
      const freezer = { dir, version };
      const fences = { prefix: `swm.test${process.pid}.`, controls: { freezer } };
      const fence = makeFence(fences, `${version}`);
      // A container may see cgroups that it may not make.
      if (!fence) continue;
      const child = spawn('/bin/sh', ['-c', 'while :; do echo; sleep 0.01; done']);
      try {
        let said = 0;
        child.stdout.on('data', () => said++);
        for (const procs of fence.procs) writeFileSync(procs, `${child.pid}`);
        expect(inside(fences, fence.name)).toContain(child.pid);
        await until('it goes', () => said > 0);
        freeze(fences, fence.name, true);
        await until('it is frozen', () => isFrozen(fences, fence.name));
        await sleep(30);
        const before = said;
        await sleep(100);
        expect(said).toBe(before);
        freeze(fences, fence.name, false);
        await until('it goes on', () => said > before);
        expect(isFrozen(fences, fence.name)).toBe(false);
      } finally {
        child.kill('SIGKILL');
        await until('it is empty', () => inside(fences, fence.name)?.length === 0);
        closeFence(fences, fence);
        await until('it is removed', () => inside(fences, fence.name) === undefined);
      }
    }
  });
});

const none = { cpus: 0, memoryBytes: 0, gpus: 0 };

describe('where cgroups are', () => {
  const line = (root: string, point: string, type: string, options: string): string =>
    `35 31 0:32 ${root} ${point} rw,relatime - ${type} cgroup ${options}`;

  it.each([
    {
      name: 'v2 alone, in a service',
      mounts: [line('/', '/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')],
      own: '0::/system.slice/swm.service\n',
      found: [{ dir: '/sys/fs/cgroup/system.slice/swm.service', version: 2, names: [''] }],
    },
    {
      name: 'v2, our own leaf in it',
      mounts: [line('/', '/sys/fs/cgroup', 'cgroup2', 'rw')],
      own: '0::/a/swm.leaf\n',
      found: [{ dir: '/sys/fs/cgroup/a', version: 2, names: [''] }],
    },
    {
      name: 'v1, a container that sees its own part only',
      mounts: [line('/docker/1', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct')],
      own: '4:cpu,cpuacct:/docker/1\n3:memory:/docker/1\n',
      found: [{ dir: '/sys/fs/cgroup/cpu,cpuacct', version: 1, names: ['cpu', 'cpuacct'] }],
    },
    {
      name: 'both, v2 first',
      mounts: [
        line('/', '/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
        line('/', '/sys/fs/cgroup/systemd', 'cgroup', 'rw,name=systemd'),
        line('/', '/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
        line('/', '/tmp', 'tmpfs', 'rw'),
      ],
      own: '9:name=systemd:/\n4:memory:/m\n0::/u\n',
      found: [
        { dir: '/sys/fs/cgroup/unified/u', version: 2, names: [''] },
        { dir: '/sys/fs/cgroup/memory/m', version: 1, names: ['memory'] },
        { dir: '/sys/fs/cgroup/systemd', version: 1, names: ['name=systemd'] },
      ],
    },
    { name: 'nowhere', mounts: [line('/', '/tmp', 'tmpfs', 'rw')], own: '0::/\n', found: [] },
  ])('$name', ({ mounts, own, found }) => {
    const seen = readMounts(mounts.join('\n'), own);
    expect(seen.map((mount) => ({ ...mount, dir: mount.dir.replace(/\/$/, '') }))).toEqual(found);
  });
});
