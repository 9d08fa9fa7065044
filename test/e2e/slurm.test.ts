import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanup, type Dev, dev, file, folder, forAll, swm, until } from './lab.ts';
import { isEnded, logOf } from './waiter.ts';

type Slurm = {
  readonly home: string;
  readonly node: Dev;
  /** One of Slurm's commands, as its users call it. */
  readonly call: (name: string, ...words: string[]) => Called;
};
type Called = {
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly out: () => string;
  readonly ended: Promise<{
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }>;
};

const lab = forAll(async (): Promise<Slurm> => {
  const home = await folder();
  const node = await dev(join(home, 'spool'));
  const shim = join(home, 'bin');
  expect((await swm(['slurm-shim', shim])).code).toBe(0);
  const env = { ...process.env, SWM_SPOOL: node.spool };
  const call = (name: string, ...words: string[]): Called => {
    const child = spawn(join(shim, name), words, { cwd: home, env });
    cleanup(async () => void child.kill('SIGKILL'));
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (part) => (said.stdout += part));
    child.stderr.on('data', (part) => (said.stderr += part));
    child.stdin.end('typed\n');
    const ended = new Promise<Awaited<Called['ended']>>((resolve) =>
      child.on('close', (code) => resolve({ code: code ?? -1, ...said })),
    );
    return { signal: (signal) => void child.kill(signal), out: () => said.stdout, ended };
  };
  return { home, node, call };
});

const told = async (called: Called): Promise<string> => {
  const { code, stdout, stderr } = await called.ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

/** As `squeue` and `sacct` name it. */
const ID = /[0-9a-f]{8}/;

const whole = async (node: Dev, short: string): Promise<string> =>
  (await node.client.call('job.show', { id: short })).job.id;

describe('Slurm’s commands', { timeout: 90_000 }, () => {
  it('submit a batch script that runs as it would there', async () => {
    const { home, node, call } = lab();
    const script = [
      '#!/bin/sh',
      '#SBATCH --job-name=first -n 2 --mail-type=END',
      '#SBATCH --output=%x-%j.out --time=5',
      'echo $SLURM_JOB_NAME $SLURM_NTASKS $SLURM_CPUS_ON_NODE $SLURM_JOB_NODELIST $KIND',
      'cd "$SLURM_SUBMIT_DIR" && ls "first-$SLURM_JOB_ID.out"',
      'exit 3',
    ];
    await file(join(home, 'job.sh'), `${script.join('\n')}\n`);
    const done = await call('sbatch', '--wait', '--export=KIND=odd', 'job.sh').ended;
    expect(done.code).toBe(3);
    expect(done.stderr).toBe('job.sh:2:31: --mail-type has no equal; use `notify`\n');
    const [, id = ''] = /^Submitted batch job (\S+)\n$/.exec(done.stdout) ?? [];
    expect(id).toMatch(ID);
    const [machine = ''] = (await node.client.call('node.list', {})).nodes.map(({ name }) => name);
    const log = await logOf(node, await whole(node, id));
    expect(log).toBe(`first 2 2 ${machine} odd\nfirst-${id}.out\n`);
    const row = `${id}|first|FAILED|3:0\n`;
    expect(await told(call('sacct', '-nP', '-o', 'JobID,JobName,State,ExitCode'))).toBe(row);
  });

  it('submit arrays, whose tasks know which they are', async () => {
    const { node, call } = lab();
    const said = 'echo $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT in $SLURM_ARRAY_JOB_ID';
    const words = ['--parsable', '--wait', '-a', '3,5', '--wrap', said];
    const id = (await told(call('sbatch', ...words))).trim();
    const logs = ['3', '5'].map((task) => node.run('logs', `${id}_${task}`));
    const texts = (await Promise.all(logs)).map(({ stdout }) => stdout);
    expect(texts).toEqual([`3 of 2 in ${id}\n`, `5 of 2 in ${id}\n`]);
  });

  it('list, hold, release and cancel what waits', async () => {
    const { node, call } = lab();
    const words = ['--parsable', '-H', '-J', 'second', '--wrap', 'sleep 100'];
    const id = (await told(call('sbatch', ...words))).trim();
    const states = (): Promise<string> => told(call('squeue', '-h', '-o', '%i %T', '-j', id));
    expect(await states()).toBe(`${id} PENDING\n`);
    expect(await told(call('scontrol', 'show', 'job', id))).toContain('Reason=held by');
    await told(call('scontrol', 'release', id));
    await node.until(await whole(node, id), (job) => job.phase === 'running');
    expect(await states()).toBe(`${id} RUNNING\n`);
    expect(await told(call('sinfo', '-h', '-o', '%t'))).toMatch(/^(mix|alloc)\n$/);
    expect(await told(call('scancel', '--me', '-n', 'second'))).toBe('');
    const ended = await node.until(await whole(node, id), isEnded);
    expect(ended.state).toBe('C');
    expect(await states()).toBe('');
  });

  it('run a command at once, with its input, its output, its code and our signals', async () => {
    const { node, call } = lab();
    const look = 'cat; echo $SLURM_PROCID of $SLURM_NTASKS >&2; exit $((7 + SLURM_PROCID))';
    const both = await call('srun', '-Q', '-n', '2', 'sh', '-c', look).ended;
    expect([both.code, both.stdout]).toEqual([8, 'typed\n']);
    expect(both.stderr.split('\n').toSorted()).toEqual(['', '0 of 2', '1 of 2']);
    const wait = 'trap "echo heard; exit 9" USR1; echo on; while :; do sleep 0.05; done';
    const one = call('srun', '-J', 'third', 'sh', '-c', wait);
    await until(() => one.out() === 'on\n');
    one.signal('SIGUSR1');
    const { code, stdout } = await one.ended;
    expect([code, stdout]).toEqual([9, 'on\nheard\n']);
    const [job] = (await node.jobs()).filter(({ name }) => name === 'third');
    expect((await node.until(job?.id ?? '', isEnded)).state).toBe('C');
    const [first, second] = ['0 of 2', '1 of 2'].map((text) => expect.stringContaining(text));
    const spread = await call(
      'srun',
      '-Q',
      '-N',
      '2',
      'sh',
      '-c',
      'echo $SLURM_PROCID of $SLURM_NNODES',
    ).ended;
    expect(spread.stdout.trim().split('\n').toSorted()).toEqual([first, second]);
    const none = await call('srun', './is-not-there').ended;
    expect([none.code, none.stderr]).toEqual([127, expect.stringContaining('./is-not-there: No')]);
  });
});
