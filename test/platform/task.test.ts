import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { agentProgram, commandProgram } from '../../src/platform/task/program.ts';
import { openTaskSockets, type WorkerTasks } from '../../src/platform/task/sockets.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { alive } from '../e2e/machine.ts';
import { until } from './wait.ts';

/** Two nodes of a job on this machine: their workers, the agent of the second, and their folder. */
type Pair = {
  readonly home: string;
  /** What leads from the first worker to the second; a test may put something else here. */
  lead: (rank: number) => Promise<unknown>;
  workers: WorkerTasks[];
  readonly agent: ChildProcess;
};

let pair: Pair;
const children: ChildProcess[] = [];
const pathOf = (home: string, rank: number): string => join(home, `${rank}`, 'tasks.sock');

function start(home: string, rank: number, program: string, ...args: string[]): ChildProcess {
  const env = { PATH: process.env['PATH'], SWM_TASK_SOCKET: pathOf(home, rank) };
  const numbers = { SWM_NODES_NUMBER: '2', SWM_NODE_RANK: `${rank}` };
  const child = spawn('perl', [program, ...args], {
    cwd: join(home, `${rank}`),
    env: { ...env, ...numbers },
    stdio: ['ignore', 'pipe', rank === 1 ? 'inherit' : 'pipe'],
  });
  children.push(child);
  return child;
}

async function open(rank: number): Promise<WorkerTasks> {
  const tasks = openTaskSockets({
    lead: async ({ rank: to }) => {
      await pair.lead(to);
      return (pair.workers[1] as WorkerTasks).agentOf({ job: 'j', attempt: 1, rank: to });
    },
    accountOf: async () => undefined,
  });
  const key = { job: 'j', attempt: 1, rank };
  await tasks.open({ key, socket: pathOf(pair.home, rank), user: '' });
  return tasks;
}

beforeEach(async () => {
  // Longer than the path of a socket may be.
  const home = await mkdtemp(join(tmpdir(), `swm-task-${'x'.repeat(90)}-`));
  for (const rank of [0, 1]) await mkdir(join(home, `${rank}`));
  await writeFile(join(home, 'swm'), commandProgram);
  await writeFile(join(home, 'agent'), agentProgram);
  await chmod(join(home, 'swm'), 0o755);
  const agent = start(home, 1, join(home, 'agent'));
  pair = { home, lead: async () => {}, workers: [], agent };
  pair.workers = await Promise.all([open(0), open(1)]);
});
afterEach(async () => {
  for (const tasks of pair.workers) await tasks.closeAll();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(pair.home, { recursive: true, force: true });
});

const command = (...args: string[]): ChildProcess =>
  start(pair.home, 0, join(pair.home, 'swm'), 'task', ...args);

async function over(child: ChildProcess) {
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  const [code, out, err] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)]);
  const lines = (all: string): string[] => all.split('\n').slice(0, -1).sort();
  return { code, out: lines(out), err: lines(err) };
}

const run = (...args: string[]) => over(command(...args));
const sh = (script: string) => run('sh', '-c', script);

describe('a command on all nodes', { timeout: 30_000 }, () => {
  it('is run once on each, and tells of all', async () => {
    expect(await sh('echo $SWM_TASK_RANK/$SWM_TASKS_NUMBER; printf x >&2')).toEqual({
      code: 0,
      out: ['[0] 0/2', '[1] 1/2'],
      err: ['[0] x', '[1] x'],
    });
  });

  it('ends as the first that failed did, and keeps its words as they are', async () => {
    expect((await sh('[ $SWM_TASK_RANK = 0 ] || exit 7')).code).toBe(7);
    expect((await sh('sleep $SWM_TASK_RANK; exit $((3 + SWM_TASK_RANK))')).code).toBe(3);
    expect((await sh('[ $SWM_TASK_RANK = 0 ] || kill -KILL $$')).code).toBe(137);
    expect((await run('/no/such/program')).code).toBe(127);
    expect((await run('printf', '<%s>\\n', 'a  b', '', '$x')).out).toEqual(
      [0, 1].flatMap((rank) => ['<$x>', '<>', '<a  b>'].map((word) => `[${rank}] ${word}`)),
    );
  });

  it('may have a file for each', async () => {
    const { code, out } = await run('-o', 'to', 'sh', '-c', 'printf $SWM_TASK_RANK; echo e >&2');
    expect([code, out]).toEqual([0, []]);
    const read = (name: string) => readFile(join(pair.home, '0', 'to', name), 'utf8');
    expect(await Promise.all(['0.out', '0.err', '1.out', '1.err'].map(read))).toEqual([
      ...['0', 'e\n'],
      ...['1', 'e\n'],
    ]);
    expect((await run()).code).toBe(2);
    expect((await run('--no-such', 'x')).code).toBe(2);
  });

  it('loses nothing when all between them is cut, again and again', async () => {
    const file = join(pair.home, 'cut');
    const waits = `until [ -e ${file}.$i ]; do sleep 0.05; done`;
    const running = run('-o', 'to', 'sh', '-c', `for i in 1 2 3 4; do seq 90000; ${waits}; done`);
    const had = async (): Promise<string> =>
      readFile(join(pair.home, '0', 'to', '1.out'), 'utf8').catch(() => '');
    for (const cut of [1, 2, 3, 4]) {
      const before = (await had()).length;
      await vi.waitUntil(async () => (await had()).length > before, { timeout: 10_000 });
      const rank = cut % 2;
      await pair.workers[rank]?.closeAll();
      pair.workers[rank] = await open(rank);
      await writeFile(`${file}.${cut}`, '');
    }
    expect((await running).code).toBe(0);
    const once = Array.from({ length: 90_000 }, (_, at) => `${at + 1}\n`).join('');
    expect((await had()) === once.repeat(4)).toBe(true);
  });

  it('is started once, however often it is asked for', async () => {
    const file = join(pair.home, 'starts');
    let asked = 0;
    pair.lead = async () => {
      asked += 1;
      if (asked < 3) throw new Failed('unreachable', 'not yet');
    };
    const running = sh(
      `echo $SWM_TASK_RANK >>${file}; until [ -e ${file}.go ]; do sleep 0.1; done`,
    );
    await until('it has started', () => asked === 3);
    await pair.workers[0]?.closeAll();
    pair.workers[0] = await open(0);
    await until('it was asked for again', () => asked === 4);
    await writeFile(`${file}.go`, '');
    expect((await running).code).toBe(0);
    expect((await readFile(file, 'utf8')).split('\n').sort()).toEqual(['', '0', '1']);
  });

  it('is signalled on all, with all that it has started', async () => {
    const child = command('sh', '-c', 'sleep 100 & echo $!; wait');
    const ended = over(child);
    const pids: number[] = [];
    child.stdout?.on('data', (part) => {
      for (const [, pid] of String(part).matchAll(/\] (\d+)/g)) pids.push(Number(pid));
    });
    await until('both run', () => pids.length === 2);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    await until('nothing is left', () => !pids.some(alive));
  });

  it('hears what its agent is told, and its agent lives on', async () => {
    const waits = 'trap "echo told; exit 4" USR1; echo begin; while :; do sleep 0.05; done';
    const child = command('sh', '-c', `[ $SWM_TASK_RANK = 0 ] || { ${waits}; }`);
    const ended = over(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    pair.agent.kill('SIGUSR1');
    expect(await ended).toMatchObject({ code: 4, out: ['[1] begin', '[1] told'] });
    expect((await sh('true')).code).toBe(0);
  });

  it('is refused for good', async () => {
    pair.lead = async () => {
      throw new Failed('forbidden', 'no tasks there');
    };
    expect(await run('true')).toMatchObject({ code: 255, err: ['swm: task 1: no tasks there'] });
  });
});
