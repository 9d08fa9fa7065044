import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { type Dev, dev, file, folder, forAll, until } from './lab.ts';
import { bearers, signal } from './machine.ts';
import { isEnded } from './waiter.ts';

const HERE = ['--set', 'jobs.relocate=asked'];

const logOf = async (
  { client }: Dev,
  id: string,
  task: number,
  stream: 'stdout' | 'stderr' = 'stdout',
): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const bytes of client.follow(id, { task, stream, follow: false })) parts.push(bytes);
  return Buffer.concat(parts).toString();
};

/** Which tasks ran, as they wrote it down themselves, each of them as often as it did. */
const ranIn = async (path: string): Promise<number[]> =>
  (await readFile(path, 'utf8')).split('\n').filter(Boolean).map(Number);

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const endedOf = ({ tasks }: JobRow): number => (tasks?.good ?? 0) + (tasks?.failed ?? 0);

describe('an array whose swm is killed', { timeout: 90_000 }, () => {
  it('runs each task once, and has the log of each', async () => {
    const home = await folder();
    const ran = await file(join(home, 'ran'), '', 0o666);
    const spool = join(home, 'spool');
    const first = await dev(spool, HERE);
    const id = await first.submit(`#!/bin/sh
#SWM array 1-1000
echo "$SWM_ARRAY_TASK_ID" >>${ran}
echo "task $SWM_ARRAY_TASK_ID of $SWM_ARRAY_TASK_COUNT"
sleep 0.01
`);
    await first.until(id, (row) => endedOf(row) > 100);
    await first.kill('SIGKILL');
    const second = await dev(spool, HERE);
    await second.until(id, (row) => endedOf(row) > 400);
    await second.kill('SIGKILL');
    // What was granted goes on meanwhile.
    const before = (await ranIn(ran)).length;
    await until(async () => (await ranIn(ran)).length > before);
    const node = await dev(spool, HERE);
    const ended = await node.until(id, isEnded, 60);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, tasks: { total: 1_000, good: 1_000 } });
    expect(inOrder(await ranIn(ran))).toEqual(upTo(1_000));
    for (const task of [1, 2, 500, 1_000])
      expect(await logOf(node, id, task)).toBe(`task ${task} of 1000\n`);
    expect(bearers(`SWM_ARRAY_JOB_ID=${id}`)).toEqual([]);
    expect(await node.jobs()).toHaveLength(1);
  });
});

describe('an array', { timeout: 90_000 }, () => {
  const node = forAll(async () => dev(join(await folder(), 'spool'), HERE));

  it('goes on when what runs its tasks dies, and none of them is forgotten', async () => {
    const id = await node().submit('#!/bin/sh\n#SWM array 1-200\nsleep 0.02\n');
    await node().until(id, (row) => endedOf(row) > 20);
    const { job } = await node().client.call('job.show', { id, tasks: [[1, 100]] });
    const { shift } = job.shown!.find(({ state }) => state === 'running')!;
    // All of it, and the task that it runs.
    for (const pid of bearers(`SWM_JOB_ID=${shift}`)) signal(pid, 'SIGKILL');
    expect(await node().until(id, isEnded)).toMatchObject({ state: 'F' });
    const { tasks } = await node().job(id);
    expect(tasks).toMatchObject({ waiting: 0, running: 0 });
    // One that was killed itself has failed; the others are run by another shift.
    expect((tasks?.good ?? 0) + (tasks?.failed ?? 0)).toBe(200);
    expect(tasks?.failed).toBeLessThanOrEqual(1);
  });

  it('ends with the highest code, tries again, and shows how each task ended', async () => {
    const id = await node().submit(`#!/bin/sh
#SWM array 10-40:10
#SWM retries 1
#SWM time 00:00:01
echo "out $SWM_ARRAY_TASK_ID"
echo "err $SWM_ARRAY_TASK_ID" >&2
case $SWM_ARRAY_TASK_ID in
  20) exit 7;;
  30) kill -9 $$;;
  40) sleep 60 & sleep 60;;
esac
`);
    const ended = await node().until(id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 143, tasks: { good: 1, failed: 3 } });
    const shown = await node().run('show', `${id}[10-30,40]`);
    const lines = shown.stdout.split('\n').map((line) => line.replace(/, by .*/, '').trim());
    expect(lines.slice(lines.indexOf('tasks') + 1).filter(Boolean)).toEqual([
      '10  exited, exit 0',
      '20  exited, exit 7, tried 1 times before',
      '30  killed, signal 9, tried 1 times before',
      '40  late, signal 15, tried 1 times before',
    ]);
    expect((await node().run('logs', `${id}_20`)).stdout).toBe('out 20\n');
    expect((await node().run('logs', `${id}[30]`, '--stderr')).stdout).toBe('err 30\n');
    const wrong = await node().run('logs', `${id}[15]`);
    expect(wrong).toMatchObject({ code: 5, stdout: '' });
    expect(wrong.stderr).toContain('has no task 15');
    expect((await node().run('logs', id)).stderr).toContain(
      'each task of an array has its own log',
    );
    // The script of before runs again for one of them.
    expect(await node().run('requeue', `${id}[20]`)).toMatchObject({ code: 0, stdout: `${id}\n` });
    const again = await node().until(id, (row) => row.run === 2 && isEnded(row));
    expect(again).toMatchObject({ exitcode: 143, tasks: { good: 1, failed: 3 } });
  });

  it('has single tasks cancelled, also one that runs, whose log is followed', async () => {
    const script = `#!/bin/sh
#SWM array 1-1000
echo begin
[ $SWM_ARRAY_TASK_ID -ne 1 ] || sleep 600
echo end
`;
    const id = await node().submit(script, '--array', '1-6%1');
    let text = '';
    const follows = (async () => {
      for await (const bytes of node().client.follow(id, { task: 1 }))
        text += Buffer.from(bytes).toString();
    })();
    await until(() => text === 'begin\n');
    expect((await node().job(id)).tasks).toMatchObject({ running: 1, waiting: 5 });
    const cancelled = await node().run('cancel', `${id}[1,5-6]`);
    expect(cancelled).toMatchObject({ code: 0, stdout: `${id}\n` });
    await follows;
    expect(text).toBe('begin\n');
    expect(await node().until(id, isEnded)).toMatchObject({
      state: 'F',
      exitcode: 0,
      tasks: { good: 3, failed: 0, cancelled: 3 },
    });
    expect(await logOf(node(), id, 4)).toBe('begin\nend\n');
    expect(await logOf(node(), id, 6)).toBe('');
    expect(bearers(`SWM_ARRAY_JOB_ID=${id}`)).toEqual([]);
  });

  it('says why none of its tasks has begun', async () => {
    const { nodes } = await node().client.call('node.list', {});
    const cpus = nodes[0]!.resources.cpus;
    const first = await node().submit(`#!/bin/sh\n#SWM cpus ${cpus}\nsleep 600\n`);
    await node().until(first, ({ phase }) => phase === 'running');
    const id = await node().submit(`#!/bin/sh\n#SWM array 1-9\n#SWM cpus ${cpus}\n`);
    await until(async () => (await node().run('why', id)).stdout.includes('0 free now'));
    expect((await node().run('why', id)).stdout).toMatch(/ waits for a place: needs 1 node with /);
    await node().run('cancel', first);
    expect(await node().until(id, isEnded)).toMatchObject({ state: 'F', tasks: { good: 9 } });
  });

  it('is cancelled as a whole, and refused what its tasks cannot be', async () => {
    const id = await node().submit('#!/bin/sh\n#SWM array 1-1000000\nsleep 600\n');
    await node().until(id, ({ phase }) => phase === 'running');
    expect(await node().run('cancel', id)).toMatchObject({ code: 0 });
    const ended = await node().until(id, isEnded);
    expect(ended).toMatchObject({ state: 'C', tasks: { good: 0, cancelled: 1_000_000 } });
    expect(bearers(`SWM_ARRAY_JOB_ID=${id}`)).toEqual([]);
    const two = node().submit('#!/bin/sh\n#SWM array 1-9\n#SWM nodes 2\n');
    await expect(two).rejects.toThrow('array with nodes');
    const many = node().submit('#!/bin/sh\n#SWM array 1-1000000000000\n');
    await expect(many).rejects.toThrow('array');
  });
});
