import { run as slurm } from '../../src/cli/slurm.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import { jobRow } from '../recorded/values.ts';
import { staged } from './call.ts';

/** The id of that job. */
export const id = (n: number): string => `0197f3a${n}-5b1c-7d2e-8f30-a1b2c3d4e5f6`;
export const HOUR = 3_600_000;

export const jobOf = (n: number, change: Partial<JobRow>): JobRow => ({
  ...(jobRow as JobRow),
  id: id(n),
  name: `job-${n}`,
  owner: 'ada',
  account: '',
  details: '',
  nodes: [],
  exitcode: 0,
  signal: 0,
  request: { nodes: 1, flavor: '', image: '', cpus: 2, memoryBytes: 0, gpus: 0 },
  ...change,
});

export const jobs: readonly JobRow[] = [
  jobOf(1, { phase: 'ended', state: 'F', exitcode: 3, startedAt: 1e12, endedAt: 1e12 + HOUR }),
  jobOf(2, { phase: 'running', state: 'R', nodes: ['n1'], owner: 'bob' }),
  jobOf(3, { phase: 'queued', state: 'Q', details: 'no node has 2 cores\nfree', startedAt: 0 }),
];

/** What one of Slurm's commands prints, with these jobs and nodes. */
export async function called(words: readonly string[], answers: object = {}) {
  const call = staged({
    args: words,
    answers: {
      'job.list': { jobs, next: '' },
      'user.show': { id: 'bob', operator: false },
      ...answers,
    },
  });
  return { code: await slurm(call), ...call };
}
