import { describe, expect, it } from 'vitest';
import type { Options } from '../../src/cli/verb.ts';
import { run } from '../../src/cli/why.ts';
import type { JobView } from '../../src/protocol/model.ts';
import { jobView } from '../recorded/values.ts';
import { staged } from './call.ts';

const details = [
  'Initiate a new partition: needs 2 nodes with 8 cpu; 1 free now',
  'port 80 is in use by another job',
].join('; ');

const waiting: JobView = {
  ...jobView,
  phase: 'queued',
  state: 'W',
  details,
  submittedAt: 1_000,
  timeline: [
    { at: 1_000, what: 'queued' },
    { at: 2_000, what: 'placing' },
    { at: 3_000, what: 'queued' },
  ],
};

const told = {
  ...{ id: waiting.id, phase: 'queued', waits: true },
  reasons: ['needs 2 nodes with 8 cpu; 1 free now', 'port 80 is in use by another job'],
  change: { does: 'ask', directive: 'cpus', value: '4', job: null },
};

const calling = (job: object, options: Options = {}, json = false) =>
  staged({ args: ['x'], options, json, answers: { 'job.show': { job }, 'job.why': told } });

describe('swm why', () => {
  it('says first what binds, and that there is more', async () => {
    const call = calling(waiting);
    expect(await run(call)).toBe(0);
    const short = waiting.id.slice(0, 8);
    expect(call.out[0]).toBe(`${short} waits for a place: needs 2 nodes with 8 cpu; 1 free now`);
    expect(call.out[1]).toMatch(/^queued since \d{4}-.* for \d+ d/);
    expect(call.out[2]).toBe('it would start now with `cpus 4` in its script');
    expect(call.out).toHaveLength(3);
    expect(call.notes).toEqual(['1 more; --all shows them']);
  });

  it('says all of it, and how it came there', async () => {
    const call = calling(waiting, { all: true });
    await run(call);
    expect(call.out.slice(3, 4)).toEqual(['  also: port 80 is in use by another job']);
    expect(call.out.slice(4).map((line) => line.split(' ').at(-1))).toEqual([
      'queued',
      'placing',
      'queued',
    ]);
  });

  it('as JSON has the last time that it came into its phase', async () => {
    const call = calling(waiting, {}, true);
    await run(call);
    expect(call.out.map((line) => JSON.parse(line) as object)).toEqual([
      {
        id: waiting.id,
        phase: 'queued',
        since: 3_000,
        reasons: ['needs 2 nodes with 8 cpu; 1 free now', 'port 80 is in use by another job'],
        change: told.change,
      },
    ]);
  });

  it.each([
    [{ phase: 'running', details: '', nodes: ['w1', 'w2'] }, 'runs on w1, w2'],
    [{ phase: 'provisioning', details: 'Partition spawned' }, ': Partition spawned'],
    [{ phase: 'starting', details: 'Data uploaded, starting' }, 'waits for all its nodes'],
    [{ phase: 'ended', state: 'C', details: '' }, 'has ended by being cancelled'],
    [{ phase: 'ended', state: 'F', details: '', exitcode: 3, signal: 0 }, 'has ended with exit 3'],
    [{ phase: 'ended', state: 'E', details: '', startedAt: 0 }, 'could not be run'],
    [{ phase: 'staging', details: 'a\u001b[2Jb' }, ': a\ufffd[2Jb'],
  ])('says what one is at: %o', async (change, end) => {
    const call = calling({ ...waiting, ...change });
    await run(call);
    expect(call.out[0]).toMatch(new RegExp(`${end.replaceAll('[', '\\[')}$`));
  });
});
