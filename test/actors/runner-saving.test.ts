import { describe, expect, it } from 'vitest';
import { runner } from '../../src/actors/runner/behaviour.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { aRunner, orderOf, RUNNER, stopOf } from './runners.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { exit, ID } from './things.ts';

const REPORT = `tell /jobs/${ID} job.report`;
const ENTER = [REPORT, 'after 2000 remind'];
const SAVES = { checkpoint: true, checkpointIntervalMs: 60_000 };
const file = { path: 'checkpoint/a', sha256: 'c'.repeat(64), bytes: 3, mode: 0o600 };
const made = (at = NOW + 60_500) => ({ at, attempt: 1, files: [file] });
const due = (at: number) => ({ is: 'checkpoint', at });
const runs = (change: Partial<Runner> = {}, asked: Partial<Spec> = SAVES) =>
  new Stage<Runner>(runner, aRunner('running', change, asked));
const nothing = { phase: 'running', moved: false, effects: [] };

describe('a runner whose job saves itself', () => {
  it.each([
    ['by its interval', {}, SAVES, ['after 60000 checkpoint']],
    ['by the last one', { checkpoint: made(NOW + 2_000) }, SAVES, ['after 62000 checkpoint']],
    ['never by itself', {}, { checkpoint: true }, []],
    ['not at all', {}, { checkpointIntervalMs: 60_000 }, []],
    ['not for another rank', { order: orderOf({ rank: 1 }, SAVES) }, SAVES, []],
    [
      'before its walltime',
      {},
      { ...SAVES, walltimeMs: 600_000 },
      ['after 60000 checkpoint', 'after 540000 checkpoint'],
    ],
    [
      'in the middle of a short walltime',
      {},
      { checkpoint: true, walltimeMs: 10_000 },
      ['after 5000 checkpoint'],
    ],
  ])('is told to %s', (_, change, asked, expected) => {
    const effects = runs(change, asked).entered();
    expect(effects.filter((effect) => effect.endsWith('checkpoint'))).toEqual(expected);
  });

  it('is told to at once after a restart that came between', () => {
    expect(runs().entered(90_000)).toContain('after -30000 checkpoint');
    const late = { ...SAVES, walltimeMs: 600_000 };
    // The last before its walltime was, or never will be.
    expect(
      runs({}, late)
        .entered(560_000)
        .filter((e) => e.endsWith('checkpoint')),
    ).toEqual(['after -500000 checkpoint']);
  });

  it('reports what is with the heads, and saves itself again an interval later', () => {
    const stage = runs();
    expect(stage.hear(due(NOW + 60_000), 60_000)).toEqual({
      ...nothing,
      effects: ['run checkpoint'],
    });
    expect(stage.raw[0]).toMatchObject({ input: { ms: 60_000 } });
    const saved = stage.hear(done('checkpoint', made()), 60_500);
    expect(saved).toEqual({ ...nothing, effects: ['after 60000 checkpoint', REPORT] });
    expect(stage.sent('job.report')).toMatchObject({ seq: 6, checkpoint: made() });
    expect(stage.hear(due(NOW + 120_500), 120_500).effects).toEqual(['run checkpoint']);
  });

  it('does so once at a time, and one interval follows another, whoever asked', () => {
    const stage = runs();
    const ask = told('runner.checkpoint', { runner: RUNNER });
    expect(stage.hear(ask, 10_000).effects).toEqual(['run checkpoint']);
    expect(stage.hear(ask, 10_100)).toEqual(nothing);
    expect(stage.hear(due(NOW + 60_000), 60_000)).toEqual(nothing);
    expect(stage.hear(done('checkpoint', made()), 70_000).effects).toContain(
      'after 60000 checkpoint',
    );
    // A timer of before that one counts no more.
    expect(stage.hear(due(NOW + 60_000), 71_000)).toEqual(nothing);
    expect(stage.hear(due(0), 80_000).effects).toEqual(['run checkpoint']);
  });

  it.each([
    ['was never whole', done('checkpoint', null), 'its last checkpoint was never whole'],
    [
      'could not be kept',
      failed('checkpoint', failure('unreachable', 'no head')),
      'its checkpoint could not be kept: no head',
    ],
  ])('keeps the one before when the next %s', (_, event, detail) => {
    const before = made(NOW + 1_000);
    const stage = runs({ checkpoint: before, isSaving: true });
    expect(stage.hear(event)).toEqual({
      ...nothing,
      effects: ['after 60000 checkpoint', REPORT],
    });
    expect(stage.state).toMatchObject({ detail, checkpoint: before });
  });

  it('may save itself before it is ended, for so long and no longer', () => {
    const stage = runs();
    const stop = told('runner.stop', stopOf({ saveMs: 30_000 }), 7);
    expect(stage.hear(stop, 1_000)).toEqual({
      phase: 'saving',
      moved: true,
      effects: ['reply 7 {}', REPORT, ...ENTER, 'run checkpoint', 'after 30000 late'],
    });
    expect(stage.entered(11_000)).toEqual([...ENTER, 'run checkpoint', 'after 20000 late']);
    expect(stage.entered(90_000)).toEqual([...ENTER, 'run checkpoint', 'after 0 late']);
    const late = new Stage<Runner>(runner, stage.state);
    expect(late.hear({ is: 'late' })).toEqual({
      phase: 'stopping',
      moved: true,
      effects: [...ENTER, 'run kill'],
    });
    expect(stage.hear(done('checkpoint', made()))).toEqual({
      phase: 'stopping',
      moved: true,
      effects: [...ENTER, 'run kill'],
    });
    expect(stage.sent('job.report')).toMatchObject({ phase: 'running', checkpoint: made() });
    expect(stage.hear(done('kill', exit({ signal: 15 }))).phase).toBe('collecting');
  });

  it.each([
    ['null', done('checkpoint', null)],
    ['failed', failed('checkpoint', failure('unreachable', 'no head'))],
  ])('is ended all the same when that came to nothing: %s', (_, event) => {
    const before = made(NOW + 1_000);
    const stage = runs({ checkpoint: before });
    stage.hear(told('runner.stop', stopOf({ saveMs: 30_000 })));
    expect(stage.hear(event).phase).toBe('stopping');
    expect(stage.state.checkpoint).toEqual(before);
  });

  it('is ended at once if nobody gives it time, or it saves nothing', () => {
    expect(runs().hear(told('runner.stop', stopOf())).phase).toBe('stopping');
    const deaf = runs({}, {}).hear(told('runner.stop', stopOf({ saveMs: 30_000 })));
    expect(deaf.phase).toBe('stopping');
    const begins = new Stage<Runner>(runner, aRunner('starting', {}, SAVES));
    expect(begins.hear(told('runner.stop', stopOf({ saveMs: 30_000 }))).phase).toBe('stopping');
  });

  it('has ended by itself if it is to be ended only then', () => {
    const ended = aRunner('collecting', { exit: exit() }, SAVES);
    const stage = new Stage<Runner>(runner, ended);
    stage.hear(told('runner.stop', stopOf({ failure: failure('evicted', 'taken') })));
    expect(stage.sent('job.report')).toMatchObject({ stopped: false, phase: 'collecting' });
  });

  it('that has a lease asks on while it saves itself', () => {
    const leased = { ...SAVES, onNodeLoss: 'requeue', leaseMs: 15_000 } as const;
    const stage = runs({}, leased);
    const { effects } = stage.hear(told('runner.stop', stopOf({ saveMs: 30_000 })));
    expect(effects.at(-1)).toBe('run boot');
    expect(stage.hear(done('boot', 400_000)).effects).toEqual([
      `ask /jobs/${ID} job.lease (lease/400000)`,
    ]);
  });
});
