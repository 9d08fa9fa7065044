import { type Message, message } from '../src/protocol/messages.ts';

const job = '0f8fad5b-d9cb-469f-a165-70867728950e';

export const paths = {
  job: `/jobs/${job}`,
  runner: `/runners/${job}.1.0`,
  node: '/nodes/w1',
} as const;

/** What a worker says of an attempt: some 25 fields, and the most of what heads hear. */
export const report = (seq: number): Message =>
  message('job.report', {
    job,
    node: 'w1',
    attempt: 1,
    rank: 0,
    seq,
    phase: 'running',
    detail: '',
    stagedAt: 1_795_000_000_000,
    startedAt: 1_795_000_000_120,
    exitedAt: 0,
    unenforced: [],
    exit: null,
    collected: null,
    failure: null,
    stopped: false,
  });

/** What a head answers it with: the smallest message there is. */
export const taken = (seq: number): Message =>
  message('runner.taken', { runner: `${job}.1.0`, seq });

/** A question that workers put. */
export const hello = (): Message =>
  message('node.hello', {
    node: 'w1',
    address: '127.0.0.1',
    resources: { cpus: 2, memoryBytes: 2 ** 34, gpus: 0 },
    version: '0.1.0',
  });

export const who = { door: 'local', id: '/bench' } as const;
