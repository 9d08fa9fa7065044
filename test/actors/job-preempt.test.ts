import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { NOW, Stage, told } from './stage.ts';
import { aJob, ID, liveJob, OTHER, onMade, onNodes, over, report } from './things.ts';

const GRACE = 45_000;
const preempt = (by: 'requeue' | 'cancel' = 'requeue', attempt = 1) =>
  told('job.preempt', { job: ID, attempt, by, for: OTHER, graceMs: GRACE });
const running = (asked: Partial<Spec> = {}, change: Partial<Job> = {}) => {
  const known = { reports: [report({ phase: 'running', node: 'n1' })], ...change };
  return new Stage<Job>(
    job,
    liveJob('running', onNodes('n1'), known, { preemptible: true, ...asked }),
  );
};
const WHY = `made room for job ${OTHER}, which goes before it`;
const stopped = told(
  'job.report',
  over({ node: 'n1', stopped: true, failure: { code: 'preempted', text: WHY, retry: true } }),
);

describe('a job that is to make room', () => {
  it('is ended with its grace, and waits again, which costs it no attempt', () => {
    const stage = running();
    const heard = stage.hear(preempt());
    expect(heard.moved).toBe(true);
    expect(stage.sent('runner.stop')).toMatchObject({ graceMs: GRACE });
    expect(heard.effects).toContain(`after ${60_000 + GRACE} late`);
    expect(stage.hear(stopped).phase).toBe('releasing');
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null, details: WHY });
    stage.hear({ is: 'answered', key: 'unclaim', name: 'cluster.unclaim', body: { gone: true } });
    expect(stage.state).toMatchObject({ phase: 'queued', attempt: 2, firstAttempt: 2 });
  });

  it('saves itself before, if it can', () => {
    const stage = running({ checkpoint: true });
    stage.hear(preempt());
    expect(stage.sent('runner.stop')).toMatchObject({ graceMs: GRACE, saveMs: expect.anything() });
  });

  it('is cancelled where the policy says so, and says why', () => {
    const stage = running();
    stage.hear(preempt('cancel'));
    expect(stage.hear(stopped).phase).toBe('releasing');
    expect(stage.state).toMatchObject({ again: 'no', outcome: { state: 'C' } });
    expect(stage.state.outcome?.failure?.text).toBe(WHY);
  });

  it.each(['requeue', 'cancel'] as const)('has ended well if it did so meanwhile: %s', (by) => {
    const stage = running();
    stage.hear(preempt(by));
    const exit = { code: 0, signal: 0, at: NOW, outOfMemory: false, lost: false };
    stage.hear(told('job.report', over({ node: 'n1', stopped: false, exit })));
    expect(stage.state).toMatchObject({ phase: 'releasing', outcome: { state: 'F', exitcode: 0 } });
  });

  it('gives up what is still being made for it', () => {
    const made = aJob({ phase: 'provisioning', placement: onMade() }, { preemptible: true });
    const stage = new Stage<Job>(job, made);
    expect(stage.hear(preempt()).phase).toBe('releasing');
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null });
  });

  it.each<[string, Stage<Job>, ReturnType<typeof preempt>]>([
    ['whose script does not let it', running({ preemptible: false }), preempt()],
    ['that is at another attempt', running({}, { attempt: 2 }), preempt()],
    ['that is being ended', running({}, { stop: { failure: null, since: NOW } }), preempt()],
    ['that waits', new Stage<Job>(job, aJob({}, { preemptible: true })), preempt()],
  ])('is not one %s', (_, stage, asked) => {
    const before = stage.state;
    expect(stage.hear(asked)).toMatchObject({ moved: false, effects: [] });
    expect(stage.state).toBe(before);
  });
});
