import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanup, dev, folder, swm, until } from './lab.ts';
import { alive } from './machine.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

/** A disk of so many MiB, which only root can make. */
async function smallDisk(mib: number): Promise<string> {
  const path = join(await folder(), 'disk');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=711`, 'tmpfs', path]);
  cleanup(async () => void execFileSync('umount', ['-l', path]));
  await chmod(path, 0o711);
  return path;
}

const freeMiB = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return (bavail * bsize) / 2 ** 20;
};

/** Fills a disk until so much is left; gives what makes room again. */
function fill(disk: string, leftMiB: number): () => void {
  const path = join(disk, 'filler');
  const file = openSync(path, 'a');
  const some = Buffer.alloc(1 << 20);
  try {
    while (freeMiB(disk) >= leftMiB + 1) writeSync(file, some);
    if (leftMiB === 0) for (;;) writeSync(file, some, 0, 512);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

const isRoot = process.geteuid?.() === 0;

describe.runIf(isRoot)('a disk that is full', { timeout: 60_000 }, () => {
  it('closes the door for new jobs early, and those that run end well', async () => {
    const disk = await smallDisk(200);
    const home = await folder();
    const spool = join(disk, 'spool');
    const node = await dev(spool);
    const job = await waiter(home);
    const id = await node.submit(job.script);
    const pid = await pidOf(node, id);
    const empty = fill(disk, 30);
    const submit = () => swm(['submit', '--spool', spool, '-'], { input: '#!/bin/sh\n' });
    await until(async () => (await submit()).code === 4);
    const { stderr, stdout } = await submit();
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /the disk of \S+ has (29|30) MiB left, and swm keeps 64 MiB .*disk_full/,
    );
    await job.go();
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
    expect(await logOf(node, id)).toBe(`begin ${pid}\nend ${pid}\n`);
    empty();
    await until(async () => (await submit()).code === 0);
  });

  it('ends the node with the reason; with room again, all that was promised is there', async () => {
    const disk = await smallDisk(200);
    const home = await folder();
    const spool = join(disk, 'spool');
    const few = ['--set', 'resources.cpus=1', '--set', 'jobs.relocate=asked'];
    const first = await dev(spool, few);
    const job = await waiter(home);
    const id = await first.submit(job.script);
    const pid = await pidOf(first, id);
    const acked = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const script = `#!/bin/sh\nexit ${at}\n`;
        return (await first.client.call('job.submit', { script, inputs: [] })).id;
      }),
    );
    const empty = fill(disk, 0);
    // What has no room to be written is not said to be done.
    const cancelled: string[] = [];
    for (const each of acked) {
      const told = await first.client
        .call('job.cancel', { id: each }, { ms: 2_000 })
        .catch(() => {});
      if (told === undefined) break;
      cancelled.push(each);
    }
    expect(await first.ended).toBe(1);
    expect(first.log()).toMatch(/disk_full|[Dd]isk is full|No space left/);
    expect(first.log()).not.toContain('a bug nobody caught');
    expect(alive(pid)).toBe(true);
    const crowded = await swm(['dev', '--spool', spool]);
    expect(crowded.code).toBe(2);
    expect(crowded.stderr).toMatch(/[Dd]isk is full/);
    empty();
    const second = await dev(spool, few);
    const jobs = await second.jobs();
    expect(acked.filter((each) => !jobs.some((row) => row.id === each))).toEqual([]);
    for (const each of cancelled) await second.until(each, (row) => row.state === 'C');
    expect(await second.job(id)).toMatchObject({ phase: 'running', attempt: 1 });
    await job.go();
    expect(await second.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
    expect(await logOf(second, id)).toBe(`begin ${pid}\nend ${pid}\n`);
    for (const each of acked)
      if (!cancelled.includes(each)) {
        const ended = await second.until(each, isEnded);
        if (ended.state === 'F') expect(ended.exitcode).toBe(acked.indexOf(each));
        else expect(ended.state).toBe('C');
      }
  });
});
