import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import { newJob } from '../../src/actors/job/birth.ts';
import { AWAITING, keeping } from '../../src/actors/job/keeping.ts';
import { begun, exited, ids, left, on, range, work } from './arrays.ts';
import { answered, done, NOW, told } from './stage.ts';
import { ID, OTHER, submitted } from './things.ts';

const after = [{ when: 'after-ok' as const, jobs: [OTHER] }];
const ASK = `ask /jobs/${OTHER} job.await (${OTHER})`;
const well = { started: true, state: 'F' as const, exitcode: 0 };

describe('an array that waits for another job', () => {
  it('asks it, and has shifts made once that has ended as it was to', () => {
    const stage = on({ after });
    expect(stage.state.phase).toBe('queued');
    expect(stage.entered()).toEqual([ASK]);
    expect(keeping.index(stage.state, `/jobs/${ID}`)).toContain(`${AWAITING}/${OTHER}`);
    const waits = { started: true, state: '', exitcode: 0 };
    expect(stage.hear(answered('job.await', waits, OTHER)).phase).toBe('queued');
    expect(stage.hear(told('job.moved', { id: ID, job: OTHER, ...well }))).toEqual({
      phase: 'placing',
      moved: true,
      effects: ['run draw'],
    });
  });

  it('ends with the reason when that ended otherwise', () => {
    const stage = on({ after });
    const badly = { ...well, exitcode: 3 };
    expect(stage.hear(told('job.moved', { id: ID, job: OTHER, ...badly })).phase).toBe('ended');
    expect(stage.state.outcome).toMatchObject({ state: 'E', failure: { code: 'dependency' } });
  });

  it('has shifts that wait for nothing', () => {
    const shift = { array: OTHER, number: 0, taskMs: 0 };
    const body = { ...submitted({ array: range, after }), shift };
    expect(newJob(body, NOW)).toMatchObject({ phase: 'queued', unmet: [] });
  });
});

describe('an array that others wait for', () => {
  it('answers how it is, and tells of its start and its end', () => {
    const stage = on({ array: { first: 0, last: 3, step: 1, limit: 0 } });
    stage.hear(done('draw', ids(0, 3)));
    stage.hear(told('job.await', { id: ID }, 7));
    expect(stage.raw).toMatchObject([{ do: 'reply', ask: 7, body: { started: false, state: '' } }]);
    const starts = stage.hear(work(0, 0, [], { wants: 4 }));
    expect(starts).toMatchObject({ phase: 'running', moved: true });
    expect(starts.effects).toContain('run awaiting');
    for (const granted of [1, 2]) stage.hear(work(0, 0, [], { granted }));
    stage.hear(work(0, 0, [exited(0, 3, 2)], { granted: 3 }));
    for (const number of [0, 1, 2, 3]) stage.hear(left(number));
    expect(stage.state.phase).toBe('ended');
    expect(job.enter(stage.state, NOW)).toMatchObject([{ do: 'run', task: 'awaiting' }]);
    stage.hear(done('awaiting', { jobs: [OTHER], next: '' }));
    expect(stage.sent('job.moved')).toMatchObject({ id: OTHER, job: ID, state: 'F', exitcode: 2 });
  });

  it('goes on all the same with one that nobody waits for', () => {
    expect(begun().state).toMatchObject({ phase: 'running', awaited: false });
  });
});
