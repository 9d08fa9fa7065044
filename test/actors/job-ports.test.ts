import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { failure } from '../../src/protocol/errors.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { ID, liveJob, onNodes, over, report } from './things.ts';

describe('ports', () => {
  const asked = { ports: [{ port: 80, protocol: 'tcp', direction: 'in' } as const] };
  const alias = '127.77.0.9';
  const GO = `tell n1/runners/${ID}.1.0 runner.go`;
  const staged = { alias, reports: [report({ phase: 'staged' })] };

  it('are bound before the job starts: whoever sees it run must reach them', () => {
    const stage = new Stage<Job>(job, liveJob('staging', onNodes('n1'), {}, asked));
    expect(stage.entered()).toEqual([
      `ask n1/runners/${ID}.1.0 runner.order (order/0)`,
      'run alias',
      'after 5000 again',
    ]);
    stage.hear(done('alias', alias));
    expect(stage.sent('runner.order').go).toBe(false);
    expect(stage.hear(done('forward')).effects).toEqual([]);
    expect(stage.hear(told('job.report', report({ phase: 'staged' })))).toEqual({
      phase: 'starting',
      moved: true,
      effects: [`tell n1/runners/${ID}.1.0 runner.taken`, 'run forward', 'after 5000 again'],
    });
    expect(stage.hear(done('forward')).effects).toEqual([GO]);
    // The word may have been lost.
    expect(stage.hear({ is: 'again' }).effects).toContain('run forward');
    expect(stage.hear(done('forward')).effects).toEqual([GO]);
  });

  it('that are bound start nothing that is to be ended, or that runs already', () => {
    const stop = { failure: null, since: NOW };
    for (const change of [
      { ...staged, stop },
      { alias, reports: [report()] },
    ]) {
      const stage = new Stage<Job>(job, liveJob('starting', onNodes('n1'), change, asked));
      expect(stage.hear(done('forward')).effects).toEqual([]);
    }
  });

  const busy = failed('forward', failure('port_busy', '127.77.0.9:80 is nginx'));

  const never = failed('forward', failure('port_busy', 'port 80 is open to root only', false));

  it('that can never be bound end a job that does not run yet', () => {
    const stage = new Stage<Job>(job, liveJob('staging'));
    stage.hear(never);
    expect(stage.state.stop?.failure?.code).toBe('port_busy');
  });

  it.each(['staging', 'starting', 'running'] as const)('that are busy in %s may pass', (phase) => {
    const stage = new Stage<Job>(job, liveJob(phase));
    const { details } = stage.state;
    expect(stage.hear(busy)).toEqual({ phase, moved: false, effects: [] });
    expect(stage.state).toMatchObject({ stop: null });
    expect(stage.state.details).toContain('127.77.0.9:80 is nginx');
    stage.hear(done('forward'));
    expect(stage.state.details).toBe(details);
  });

  it('do not end a job that runs', () => {
    const stage = new Stage<Job>(job, liveJob('running'));
    expect(stage.hear(never)).toEqual({ phase: 'running', moved: false, effects: [] });
    expect(stage.state).toMatchObject({ stop: null });
  });

  it('are let go before the job ends', () => {
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { alias: '127.77.0.9' }));
    expect(stage.hear(told('job.report', over())).effects).toEqual([
      `tell n1/runners/${ID}.1.0 runner.taken`,
      'run unforward',
      'ask /clusters/here cluster.unclaim (unclaim)',
    ]);
  });
});
