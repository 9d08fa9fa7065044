import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { piecesOf } from '../../src/cli/slurm/format.ts';
import { clock, stateOf } from '../../src/cli/slurm/states.ts';
import { whenOf } from '../../src/cli/slurm/when.ts';
import type { JobPhase, JobRow } from '../../src/protocol/model.ts';
import { nodeRow } from '../recorded/values.ts';
import { called, HOUR, id, jobOf, jobs } from './slurm-jobs.ts';

describe('squeue', () => {
  it('shows jobs that are not over, in columns of their widths', async () => {
    const { out } = await called(['squeue']);
    const free = 'no node has 2 cores free';
    expect(out[0]).toBe(
      '             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)',
    );
    expect(out).toHaveLength(3);
    expect(out[2]).toBe(
      `          0197f3a3       swm    job-3      ada PD       0:00      1 (${free})`,
    );
  });

  it.each([
    [
      ['-h', '-o', '%i|%j|%T|%C'],
      ['0197f3a2|job-2|RUNNING|2', '0197f3a3|job-3|PENDING|2'],
    ],
    [['-ho%.4i%3j%%'], ['0197job%', '0197job%']],
    [
      ['-h', '-o%i', '-t', 'all'],
      ['0197f3a1', '0197f3a2', '0197f3a3'],
    ],
    [
      ['-h', '-o%i', '--states=F,pd'],
      ['0197f3a1', '0197f3a3'],
    ],
    [['-h', '-o%i', '-j', '0197F3A3,0197f3a2', '-u', 'ada'], ['0197f3a3']],
    [['-h', '-o%i', '-u', userInfo().username], ['0197f3a2']],
    [['-h', '-o%i', '--me'], ['0197f3a2']],
    [['-h', '-o%i', '-n', 'job-3,job-9'], ['0197f3a3']],
    [['-h', '-o%i', '-p', 'other'], []],
    [['-h', '-o%l %L', '-j', id(2)], ['UNLIMITED UNLIMITED']],
  ])('%j', async (words, lines) => {
    expect((await called(['squeue', ...words])).out).toEqual(lines);
  });

  it.each([
    [['--foo'], 'squeue: --foo is not supported; there are -n --name, '],
    [['-o', '%Z'], 'squeue: %Z is not supported; there are %i '],
    [['-t', 'odd'], 'squeue: odd is no state of a job here; there are PENDING (PD), '],
    [['more'], 'squeue: more is one word too many'],
    [['-u'], 'squeue: --user needs a value'],
  ])('refuses %j', async (words, text) => {
    await expect(called(['squeue', ...words])).rejects.toThrow(text);
  });
});

describe('scancel', () => {
  const answers = { 'job.cancel': { id: id(2), phase: 'ended' } };
  const cancelled = async (...words: string[]) =>
    (await called(['scancel', ...words], answers)).asked
      .filter(([name]) => name === 'job.cancel')
      .map(([, body]) => body);

  it('cancels what is named, and what is chosen and not over', async () => {
    expect(await cancelled('0197f3a2,0197f3a3')).toEqual([{ id: '0197f3a2' }, { id: '0197f3a3' }]);
    expect(await cancelled('0197f3a2_7,0197f3a3_[1-3,9]')).toEqual([
      { id: '0197f3a2', tasks: [[7, 7]] },
      {
        id: '0197f3a3',
        tasks: [
          [1, 3],
          [9, 9],
        ],
      },
    ]);
    expect(await cancelled('0197f3a2', '-v')).toEqual([{ id: '0197f3a2' }]);
    expect(await cancelled('-u', 'ada')).toEqual([{ id: id(3) }]);
    expect(await cancelled('--state=R', '0197f3a2', '0197f3a3')).toEqual([{ id: id(2) }]);
    expect(await cancelled('--jobname=job-9')).toEqual([]);
    await expect(cancelled()).rejects.toThrow('scancel: name jobs by their ids, or choose them');
    await expect(cancelled('-s', 'KILL')).rejects.toThrow('scancel: -s is not supported');
  });
});

describe('sacct', () => {
  it('shows what is kept, in columns or parted by bars', async () => {
    const words = ['sacct', '-a', '-S', '2001-09-01', '--format'];
    expect((await called([...words, 'JobID%8,State%-9,ExitCode'])).out.slice(0, 3)).toEqual([
      '   JobID State       ExitCode',
      '-------- --------- ----------',
      '0197f3a1 FAILED           3:0',
    ]);
    const parted = [...words, 'jobidraw,elapsed,CPUTimeRAW', '-n'];
    expect((await called([...parted, '-P'])).out[0]).toBe(`${id(1)}|01:00:00|7200`);
    expect((await called([...parted, '-p'])).out[0]).toBe(`${id(1)}|01:00:00|7200|`);
  });

  it('shows one’s own jobs of today, unless others are named', async () => {
    expect((await called(['sacct', '-nX'])).out).toEqual([expect.stringContaining('0197f3a2')]);
    expect((await called(['sacct', '-n', '-j', '0197f3a1'])).out).toHaveLength(1);
    await expect(called(['sacct', '-o', 'Odd'])).rejects.toThrow('sacct: Odd is no field; there');
    await expect(called(['sacct', '-S', 'once'])).rejects.toThrow('sacct: once is no time; there');
  });
});

describe('sinfo', () => {
  const node = { ...nodeRow, phase: 'up', drained: null, jobs: [] };
  const resources = { cpus: 4, memoryBytes: 8 << 20, gpus: 1 };
  const nodes = [
    { ...node, name: 'n1', resources },
    { ...node, name: 'n2', resources },
    { ...node, name: 'n3', resources },
    { ...node, name: 'n4', resources, phase: 'silent' },
    { ...node, name: 'n5', resources, drained: { since: 1, reason: 'a fan' } },
    { ...node, name: 'n6', resources, phase: 'gone' },
  ];
  const running = jobOf(2, { phase: 'running', state: 'R', nodes: ['n1'] });
  const answers = {
    'node.list': { nodes },
    'job.list': { jobs: [{ ...running, resources: { ...resources, cpus: 3 } }], next: '' },
  };
  const shown = async (...words: string[]) => (await called(['sinfo', ...words], answers)).out;

  it('has a line for nodes that are alike, or for each', async () => {
    expect(await shown()).toEqual([
      'PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST',
      'swm*         up   infinite      1    mix n1',
      'swm*         up   infinite      2   idle n2,n3',
      'swm*         up   infinite      1  down* n4',
      'swm*         up   infinite      1  drain n5',
    ]);
    expect(await shown('-h', '-o', '%C')).toEqual(['3/9/8/20']);
    expect(await shown('-N', '-h', '-o', '%N %c %m %G %C', '-t', 'mixed')).toEqual([
      'n1 4 8 gpu:1 3/1/0/4',
    ]);
    expect(await shown('-h', '-o%E', '-n', 'n5')).toEqual(['a fan']);
  });
});

describe('scontrol', () => {
  it('shows, holds and releases', async () => {
    const job = { ...jobs[2], spec: { priority: 7, walltimeMs: HOUR, memoryBytes: 0 } };
    const answers = { 'job.show': { job }, 'job.hold': { id: id(3) } };
    const [text] = (await called(['scontrol', 'show', 'job', '0197f3a3'], answers)).out;
    expect(text).toContain('JobId=0197f3a3 JobName=job-3\n   UserId=ada Account=(null)\n');
    expect(text).toContain('JobState=PENDING Reason=no node has 2 cores free ExitCode=0:0');
    expect(text).toContain('TimeLimit=01:00:00');
    const line = (await called(['scontrol', '-o', 'show', 'job'], answers)).out;
    expect(line).toHaveLength(2);
    expect(line[0]).not.toContain('\n');
    const held = await called(['scontrol', 'hold', '0197f3a3,0197f3a2'], answers);
    expect(held.asked.map(([, body]) => body)).toEqual([{ id: '0197f3a3' }, { id: '0197f3a2' }]);
    await expect(called(['scontrol', 'reboot'])).rejects.toThrow('scontrol: reboot is not');
  });
});

describe('what Slurm calls things', () => {
  it.each<[JobPhase, Partial<JobRow>, string]>([
    ['placing', {}, 'PENDING'],
    ['staging', {}, 'CONFIGURING'],
    ['running', {}, 'RUNNING'],
    ['collecting', {}, 'COMPLETING'],
    ['ended', { state: 'F' }, 'COMPLETED'],
    ['ended', { state: 'F', exitcode: 1 }, 'FAILED'],
    ['ended', { state: 'C', signal: 15 }, 'CANCELLED'],
    ['ended', { state: 'E', details: 'ran longer than its walltime of 1 s' }, 'TIMEOUT'],
    ['ended', { state: 'E', details: 'lost' }, 'FAILED'],
  ])('%s %j', (phase, change, state) => {
    expect(stateOf(jobOf(1, { ...change, phase }))).toBe(state);
  });

  it('is how it writes times', () => {
    expect([clock(61_000, true), clock(3_600_000, true), clock(61_000)]).toEqual([
      '1:01',
      '1:00:00',
      '00:01:01',
    ]);
    expect(clock(90_061_000, true)).toBe('1-01:01:01');
    const now = new Date(2026, 10, 5, 12, 30).getTime();
    expect(whenOf('x', 'now-2days', now)).toBe(now - 48 * HOUR);
    expect(whenOf('x', 'today', now)).toBe(new Date(2026, 10, 5).getTime());
    expect(whenOf('x', '07:15', now)).toBe(new Date(2026, 10, 5, 7, 15).getTime());
    expect(whenOf('x', '2026-11-01T01:02:03', now)).toBe(new Date(2026, 10, 1, 1, 2, 3).getTime());
  });

  it('and how formats are read', () => {
    const field = { title: 'A', of: String };
    expect(piecesOf('x', '%.5i_%i', { i: field })).toMatchObject([
      { text: '' },
      { width: 5, right: true },
      { text: '_' },
      { width: 0, right: false },
      { text: '' },
    ]);
  });
});
