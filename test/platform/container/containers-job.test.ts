import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptKey, Processes } from '../../../src/actors/ports.ts';
import type { Sample } from '../../../src/actors/ways.ts';
import { openMeter } from '../../../src/platform/process/meter.ts';
import type { LocalProcesses } from '../../../src/platform/process/processes.ts';
import { open, someKey } from '../../ports/processes.suite.ts';
import { isRoot, NOBODY, readText, until } from '../process-place.ts';
import { startDockerd } from './dockerd.ts';
import { ContainerPlace } from './place.ts';
import type { RealEngine } from './real-engine.ts';

let engine: RealEngine;
beforeAll(async () => {
  engine = await startDockerd();
});
afterAll(() => engine.end());

const MIB = 1 << 20;

describe('a job in a container', () => {
  let place: ContainerPlace;
  let processes: Processes & { close(): void };
  let key: AttemptKey;

  beforeEach(async () => {
    key = someKey();
    place = new ContainerPlace(engine);
    processes = await place.open();
  });
  afterEach(() => place.clear());

  const reopen = async (): Promise<void> => {
    processes.close();
    processes = await place.open();
  };
  const gone = (): Promise<void> => waitFor(async () => (await place.containers()).length === 0);
  /** Runs a script to its end, and tells what it wrote to its two logs. */
  const run = async (text: string, change: object = {}) => {
    const order = { ...place.script(key, `#!/bin/sh\n${text}\n`), ...change };
    const { unenforced } = await processes.ensure(order);
    const exit = await processes.exited(key, open);
    return { exit, out: readText(order.stdout), err: readText(order.stderr), unenforced };
  };

  it('is measured with all that runs in it', async () => {
    await processes.ensure(place.script(key, '#!/bin/sh\n(while :; do :; done) &\nsleep 60\n'));
    const { membership } = processes as LocalProcesses;
    const samples: Sample[] = [];
    const stop = openMeter({ membership, gpus: undefined, msMin: 50 }).watch(
      key,
      (sample) => void samples.push(sample),
    );
    const isBusy = ({ cpuPercent, memBytes }: Sample): boolean =>
      (cpuPercent ?? 0) > 5 && (memBytes ?? 0) > 10_000 && (memBytes ?? 0) < 64 * MIB;
    await until('a busy sample', () => samples.some(isBusy));
    stop();
    await processes.stop(key, 0);
    await processes.exited(key, open);
  });

  it('has its account, no rights besides, and the files of its attempt', async () => {
    const secret = join(place.root, 'secret');
    writeFileSync(secret, 'not for jobs', { mode: 0o644 });
    const seen = await run(
      [
        'id -u; id -g; pwd',
        'grep -E "^(CapEff|CapBnd|NoNewPrivs):" /proc/self/status | tr -d "\\t" | sort',
        `cat ${secret} 2>/dev/null || echo hidden`,
        'echo made >here; echo changed 2>/dev/null >>"$0" || echo fixed',
        'echo to stderr >&2; echo "$GREETING $PATH"',
      ].join('\n'),
      { env: { GREETING: 'two words' } },
    );
    expect(seen.exit).toMatchObject({ code: 0, signal: 0 });
    expect(seen.out.split('\n').slice(0, -1)).toEqual([
      ...(isRoot ? ['65534', '65534'] : [`${process.getuid?.()}`, `${process.getgid?.()}`]),
      place.work,
      ...['CapBnd:0000000000000000', 'CapEff:0000000000000000', 'NoNewPrivs:1'],
      'hidden',
      'fixed',
      'two words /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
    expect(seen.err).toContain('to stderr');
    expect(readText(join(place.work, 'here'))).toBe('made\n');
    if (isRoot) expect(statSync(join(place.work, 'here')).uid).toBe(NOBODY);
    expect(await place.containers()).toEqual([]);
  });

  it('reads its stdin, and says if it cannot', async () => {
    const stdin = join(place.work, 'in');
    writeFileSync(stdin, 'a line\n', { mode: 0o644 });
    expect(await run('cat', { stdin })).toMatchObject({ out: 'a line\n', err: '' });
    key = someKey();
    const missing = join(place.work, 'missing');
    const { exit, err } = await run('cat', { stdin: missing });
    expect(exit.code).toBe(126);
    expect(err).toBe(`swm: ${missing} cannot be read\n`);
  });

  it('has no more memory, cores and processes than it may', async () => {
    const limits = { cpus: 0.5, memoryBytes: 64 * MIB, gpus: 0 };
    const { out, unenforced } = await run(
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null;' +
        ' cat cpu/cpu.cfs_quota_us cpu.max 2>/dev/null; cat pids/pids.max pids.max 2>/dev/null',
      { limits },
    );
    expect(out.split(/\s+/)).toEqual(expect.arrayContaining([`${64 * MIB}`, '50000', '16384']));
    expect(unenforced).toEqual([]);
  });

  it('that takes more memory is told apart from one that was killed', async () => {
    const limits = { cpus: 0, memoryBytes: 16 * MIB, gpus: 0 };
    const { exit } = await run('exec tail -c 200000000 /dev/zero', { limits });
    expect(exit).toMatchObject({ code: 0, signal: 9, outOfMemory: true, lost: false });
    key = someKey();
    expect((await run('kill -KILL $$')).exit).toMatchObject({ signal: 9, outOfMemory: false });
  });

  it('writes its logs once, whoever watches it', async () => {
    const go = join(place.work, 'go');
    const count = `i=0; until [ -e ${go} ]; do i=$((i+1)); echo $i; echo $i >&2; done`;
    const order = place.script(key, `#!/bin/sh\n${count}; echo $i >last\n`);
    await processes.ensure(order);
    for (let lives = 0; lives < 3; lives++) {
      const size = readText(order.stdout).length;
      await until('it has written more', () => readText(order.stdout).length > size);
      await reopen();
    }
    writeFileSync(go, '');
    expect(await processes.exited(key, open)).toMatchObject({ code: 0 });
    const last = Number(readText(join(place.work, 'last')));
    const all = Array.from({ length: last }, (_, i) => `${i + 1}\n`).join('');
    expect([order.stdout, order.stderr].map(readText)).toEqual([all, all]);
  });

  it('ends when a log is full, which says so', async () => {
    await place.clear();
    place = new ContainerPlace(engine, { logBytesMax: 10_000 });
    processes = await place.open();
    const { exit, out } = await run('while :; do echo 0123456789; done');
    expect(exit).toMatchObject({ signal: 9, logFull: true });
    expect(out.slice(10_000)).toContain('limit of 10000 bytes');
    expect(await place.containers()).toEqual([]);
  });

  it('asks all of its processes to end, not the first alone', async () => {
    const child = "trap 'echo child >>heard; exit' TERM; echo >ready; while :; do sleep 1; done";
    const order = place.script(key, `#!/bin/sh\ntrap '' TERM\n(${child}) &\nwait\nwait\n`);
    await processes.ensure(order);
    await until('it is under way', () => readText(join(place.work, 'ready')) !== '');
    await processes.stop(key, 10_000);
    expect(readText(join(place.work, 'heard'))).toBe('child\n');
  });

  it('never runs twice, though the engine is asked to start it twice', async () => {
    const job = place.waiting(key);
    await processes.ensure(job.order);
    await place.underWay(key);
    const [name = ''] = await place.containers();
    processes.close();
    job.go();
    const container = engine.docker.getContainer(name.slice(1));
    await container.wait();
    await container.start();
    await container.wait();
    processes = await place.open();
    // How it ended was overwritten by the second start, and is not made up.
    expect(await processes.exited(key, open)).toMatchObject({ lost: true });
    expect(place.starts(key)).toBe(1);
    await gone();
  });

  it('that somebody removed is lost, and not started anew', async () => {
    const order = place.order(key, { is: 'lasts', deaf: false });
    await processes.ensure(order);
    await place.underWay(key);
    const [name = ''] = await place.containers();
    processes.close();
    await engine.docker.getContainer(name.slice(1)).remove({ force: true });
    processes = await place.open();
    expect(await processes.exited(key, open)).toMatchObject({ lost: true });
    await processes.ensure(order);
    expect(place.starts(key)).toBe(1);
  });

  it('that could not be started says why, and leaves nothing', async () => {
    const why = async (change: object): Promise<string> => {
      key = someKey();
      const order = { ...place.order(key, { is: 'exits', code: 0 }), ...change };
      return processes.ensure(order).then(
        () => 'started',
        (error: Error) => error.message,
      );
    };
    expect(await why({ image: 'swm-test/none:1' })).toMatch(/No such image: swm-test\/none:1/);
    const gpus = { cpus: 0, memoryBytes: 0, gpus: 1 };
    expect(await why({ limits: gpus })).toMatch(/cannot start it: could not select device driver/);
    await reopen();
    const refused = 'the container engine refused to start it';
    await expect(processes.exited(key, open)).rejects.toThrow(refused);
    expect(await place.containers()).toEqual([]);
  });

  it('that ended just before its worker did is removed by the next one', async () => {
    const job = place.waiting(key);
    await processes.ensure(job.order);
    processes.close();
    const record = join(place.records, `${key.job}.1.0.record`);
    const line = `exit 17 0 0 ${Date.now()} .\n`;
    writeFileSync(record, line, { flag: 'a' });
    job.go();
    processes = await place.open();
    await gone();
    expect(await processes.exited(key, open)).toMatchObject({ code: 17, lost: false });
  });

  it('of another worker that is no more is removed, and of one that is there is not', async () => {
    const label = (record: string) => ({ 'swm.installation': place.root, 'swm.record': record });
    mkdirSync(join(place.root, 'other'));
    for (const folder of ['no-more', 'other'])
      await engine.docker.createContainer({
        name: `of-${folder}-${key.job}`,
        Image: place.image,
        Cmd: ['true'],
        Labels: label(join(place.root, folder, 'a.1.0.record')),
      });
    await run('exit 0');
    await waitFor(async () => (await place.containers()).length === 1);
    expect(await place.containers()).toEqual([`/of-other-${key.job}`]);
  });
});

/** Waits for what has to be asked for. */
async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await holds()); await sleep(20))
    if (Date.now() > deadline) throw new Error('not in time');
}
