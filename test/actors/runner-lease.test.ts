import { describe, expect, it } from 'vitest';
import { runner } from '../../src/actors/runner/behaviour.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import { type Code, failure } from '../../src/protocol/errors.ts';
import { message } from '../../src/protocol/messages.ts';
import { aRunner, place } from './runners.ts';
import { answered, done, failed, NOW, Stage, unanswered } from './stage.ts';
import { exit, ID } from './things.ts';

const REPORT = `tell /jobs/${ID} job.report`;
const ENTER = [REPORT, 'after 2000 remind'];
const ASKED = { onNodeLoss: 'requeue', leaseMs: 15_000 } as const;
const leased = (phase: Runner['phase'], change: Partial<Runner> = {}) =>
  new Stage<Runner>(runner, aRunner(phase, change, ASKED));
const KEY = 'lease/400000';
const yes = answered('job.lease', {}, KEY);
const no = (code: Code) => unanswered(failure(code, 'why'), KEY);

describe('a runner with a lease', () => {
  it('starts only once it may, and asks again and again', () => {
    const stage = leased('staging', { go: true });
    expect(stage.hear(done('stage', place))).toEqual({
      phase: 'starting',
      moved: true,
      effects: [...ENTER, 'run boot'],
    });
    expect(stage.hear(done('boot', 400_000)).effects).toEqual([
      `ask /jobs/${ID} job.lease (${KEY})`,
    ]);
    const body = { job: ID, node: 'n1', attempt: 1, rank: 0 };
    expect(stage.raw[0]).toMatchObject({ ms: 5_000, message: message('job.lease', body) });
    expect(stage.hear(yes).effects).toEqual(['run renew']);
    // Counted from before it was asked for.
    expect(stage.raw[0]).toMatchObject({ input: { until: 415_000 } });
    expect(stage.hear(done('renew')).effects).toEqual(['run start', 'after 5000 lease']);
    expect(stage.hear({ is: 'lease' }).effects).toEqual(['run boot']);
    expect(stage.hear(done('start', { pid: 5, at: NOW, unenforced: [] }))).toEqual({
      phase: 'running',
      moved: true,
      effects: [...ENTER, 'run wait', 'run boot'],
    });
    stage.hear(done('boot', 400_000));
    expect(stage.hear(yes).effects).toEqual(['run renew']);
    expect(stage.hear(done('renew'))).toEqual({
      phase: 'running',
      moved: false,
      effects: ['after 5000 lease'],
    });
  });

  it.each(['starting', 'running'] as const)('that is %s asks anew after a restart', (phase) => {
    const waits = phase === 'running' ? ['run wait'] : [];
    expect(leased(phase).entered()).toEqual([...ENTER, ...waits, 'run boot']);
  });

  it.each(['starting', 'running'] as const)('that is %s goes on asking who is silent', (phase) => {
    for (const event of [no('unreachable'), no('not_found'), no('refused'), no('timeout')])
      expect(leased(phase).hear(event)).toEqual({
        phase,
        moved: false,
        effects: ['after 1000 lease'],
      });
    const late = failed('renew', failure('timeout', 'too late'));
    expect(leased(phase).hear(late).effects).toEqual(['after 1000 lease']);
  });

  it.each(['starting', 'running'] as const)('that is %s and was given up ends', (phase) => {
    const stage = leased(phase);
    expect(stage.hear(no('wrong_phase'))).toEqual({
      phase: 'stopping',
      moved: true,
      effects: [...ENTER, 'run kill'],
    });
    expect(stage.raw.at(-1)).toMatchObject({ input: { graceMs: 0 } });
    expect(stage.state.failure).toMatchObject({ code: 'lost', text: 'it may not go on: why' });
  });

  it.each(['starting', 'running'] as const)('that is %s and nobody guards ends', (phase) => {
    const stage = leased(phase);
    expect(stage.hear(failed('renew', failure('start_failed', 'no perl')))).toMatchObject({
      phase: 'stopping',
      moved: true,
    });
    expect(stage.state.failure?.code).toBe('start_failed');
  });

  it('says that its lease ran out', () => {
    const stage = leased('running');
    stage.hear(done('wait', { ...exit({ signal: 9 }), leaseOut: true }));
    const text = `its lease ran out, so it was ended at ${new Date(NOW + 5_000).toISOString()}`;
    expect(stage.state).toMatchObject({ phase: 'collecting', failure: { code: 'lost', text } });
  });

  it.each(['stopping', 'collecting', 'over'] as const)('that is %s asks no more', (phase) => {
    expect(leased(phase).entered()).not.toContain('run boot');
  });
});

it('a runner without a lease never asks for one', () => {
  const stage = new Stage<Runner>(runner, aRunner('starting'));
  expect(stage.entered()).toEqual([...ENTER, 'run start']);
  expect(stage.hear({ is: 'lease' }).effects).toEqual([]);
});
