import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { isEnded, logOf, waiter } from './waiter.ts';

const places = [
  ['on this node', []],
  ['on a cluster', ['relocatable']],
] as const;

const scriptOf = (wishes: readonly string[], ...lines: readonly string[]): string =>
  ['#!/bin/sh', ...wishes.map((wish) => `#SWM ${wish}`), ...lines, ''].join('\n');

const sum = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

describe('the log of a job', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    return { home, node: await dev(join(home, 'spool'), ['--set', 'jobs.logBytesMax=6000000']) };
  });

  it.each(places)(
    '%s is followed to its last byte, which comes with the end',
    async (_, wishes) => {
      const { home, node } = place();
      const gate = join(home, `gate-${wishes.length}`);
      const lines =
        'i=0; while [ $i -lt 200 ]; do echo "line $i"; echo "bad $i" >&2; i=$((i+1)); done';
      const wait = `while [ ! -e ${gate} ]; do sleep 0.05; done`;
      const script = scriptOf(wishes, lines, wait, lines, "printf 'no line'", 'exit 5');
      const id = await node.submit(script);
      const follows = [node.run('logs', '-f', id), node.run('logs', '-f', '--stderr', id)];
      await until(async () => (await logOf(node, id).catch(() => '')).includes('line 199\n'));
      await file(gate, '');
      const [out, err] = await Promise.all(follows);
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      const twice = (word: string) =>
        numbers
          .map((i) => `${word} ${i}\n`)
          .join('')
          .repeat(2);
      expect(out).toEqual({ code: 0, stdout: `${twice('line')}no line`, stderr: '' });
      expect(err).toEqual({ code: 0, stdout: twice('bad'), stderr: '' });
      expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 5 });
      expect((await node.run('logs', id)).stdout).toBe(`${twice('line')}no line`);
      expect((await node.run('logs', '--offset', '5', id)).stdout).toBe(
        `${twice('line')}no line`.slice(5),
      );
    },
  );

  it.each(places)('%s may be of 5 MB', async (_, wishes) => {
    const { node } = place();
    const line = 'x'.repeat(99);
    const id = await node.submit(scriptOf(wishes, `yes ${line} | head -c 5000000`));
    const follow = node.run('logs', '-f', id);
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const whole = sum(`${line}\n`.repeat(50_000));
    expect(sum(await logOf(node, id))).toBe(whole);
    expect(sum((await follow).stdout)).toBe(whole);
  });

  it.each(places)(
    '%s that has no end is cut where it may end, and so is the job',
    async (_, wishes) => {
      const { node } = place();
      const id = await node.submit(scriptOf(wishes, 'yes'));
      const ended = await node.until(id, isEnded);
      expect(ended).toMatchObject({ state: 'E', attempt: 1 });
      expect(ended.details).toBe('a log is full; its last line tells how much it may have');
      const log = await logOf(node, id);
      expect(log.length).toBeLessThan(6_000_200);
      expect(log.slice(0, 6_000_000)).toBe('y\n'.repeat(3_000_000));
      expect(log.slice(6_000_000)).toContain('this log reached its limit of 6000000 bytes');
      expect(processesOf(id)).toEqual([]);
    },
  );
});

describe('whoever follows a log', { timeout: 60_000 }, () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'misses nothing when the head ends by %s',
    async (how) => {
      const home = await folder();
      const spool = join(home, 'spool');
      const first = await dev(spool);
      const jobs = await Promise.all([waiter(home), waiter(home, 'relocatable')]);
      const ids = await Promise.all(jobs.map((job) => first.submit(job.script)));
      for (const id of ids) await first.until(id, (job) => job.phase === 'running');
      const heard = ids.map(() => '');
      const follows = ids.map((id, at) =>
        swm(['logs', '-f', id, '--spool', spool], { heard: (part) => (heard[at] += part) }),
      );
      await until(() => heard.every((text) => text.startsWith('begin ')));
      await first.kill(how);
      const second = await dev(spool);
      for (const job of jobs) await job.go();
      for (const [at, id] of ids.entries()) {
        const done = await follows[at]!;
        expect(done).toMatchObject({ code: 0, stderr: '' });
        expect(done.stdout).toMatch(/^begin (\d+)\nend \1\n$/);
        expect(await logOf(second, id)).toBe(done.stdout);
      }
    },
  );
});
