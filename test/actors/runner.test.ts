import { describe, expect, it } from 'vitest';
import { runner } from '../../src/actors/runner/behaviour.ts';
import { type Runner, reportOf } from '../../src/actors/runner/runner.ts';
import { type Code, failure } from '../../src/protocol/errors.ts';
import { aRunner, orderOf, place, RUNNER, stopOf } from './runners.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { collected, exit, ID } from './things.ts';

const on = (state: Runner) => new Stage<Runner>(runner, state);
const REPORT = `tell /jobs/${ID} job.report`;
const ENTER = [REPORT, 'after 2000 remind'];
const order = told('runner.order', orderOf(), 7);
const go = told('runner.go', { runner: RUNNER });
const stop = (...args: Parameters<typeof stopOf>) => told('runner.stop', stopOf(...args), 8);
const taken = (seq: number) => told('runner.taken', { runner: RUNNER, seq });
const why = (code: Code, retry?: boolean) => failure(code, 'why', retry);
const killed = failure('over_walltime', 'too long');
const phases = [
  'staging',
  'staged',
  'starting',
  'running',
  'stopping',
  'collecting',
  'over',
  'forgotten',
] as const;

describe('a runner', () => {
  it('tells how far an image is as it does of files', () => {
    const stage = on(runner.init(orderOf(), NOW));
    const pulled = { is: 'progress', done: 1, total: 3, image: 'a/b:1' } as const;
    expect(stage.hear(pulled).effects).toEqual([REPORT]);
    expect(stage.state.detail).toBe('Pulling image a/b:1: 33 %');
  });

  it('brings the files, starts the process, waits for it and brings the results', () => {
    const stage = on(runner.init(orderOf(), NOW));
    expect(stage.entered()).toEqual([...ENTER, 'run stage']);
    expect(stage.hear(order).effects).toEqual(['reply 7 {}', REPORT]);
    expect(stage.hear({ is: 'progress', done: 1, total: 2 }).effects).toEqual([REPORT]);
    expect(stage.state.detail).toBe('Data upload: 50 %');
    expect(stage.hear({ is: 'progress', done: 1, total: 2 }).effects).toEqual([]);
    expect(stage.hear(done('stage', place))).toEqual({
      phase: 'starting',
      moved: true,
      effects: [...ENTER, 'run start'],
    });
    const started = { pid: 5, at: NOW + 3, unenforced: ['memory'] };
    expect(stage.hear(done('start', started))).toEqual({
      phase: 'running',
      moved: true,
      effects: [...ENTER, 'run wait'],
    });
    expect(stage.hear(done('wait', exit({ code: 3 })))).toEqual({
      phase: 'collecting',
      moved: true,
      effects: [...ENTER, 'run collect'],
    });
    expect(stage.hear(done('collect', collected))).toEqual({
      phase: 'over',
      moved: true,
      effects: ENTER,
    });
    expect(reportOf(stage.state)).toMatchObject({
      phase: 'over',
      seq: 6,
      exit: { code: 3 },
      collected,
      startedAt: NOW + 3,
      exitedAt: NOW + 5_000,
      unenforced: ['memory'],
      stopped: false,
      failure: null,
    });
    expect(stage.hear(taken(6), 9)).toEqual({
      phase: 'forgotten',
      moved: true,
      effects: ['run clear'],
    });
    expect(stage.state).toMatchObject({ order: null, place: null, forgottenAt: NOW + 9 });
    stage.hear(done('clear'));
    expect(stage.state.cleared).toBe(true);
    expect(stage.entered()).toEqual([]);
  });

  it('that is not the only one waits to be let go', () => {
    const stage = on(runner.init(orderOf({ go: false }), NOW));
    expect(stage.hear(done('stage', place))).toEqual({
      phase: 'staged',
      moved: true,
      effects: ENTER,
    });
    expect(stage.hear(go)).toEqual({
      phase: 'starting',
      moved: true,
      effects: [...ENTER, 'run start'],
    });
    const early = on(runner.init(orderOf({ go: false }), NOW));
    expect(early.hear(go).effects).toEqual([]);
    expect(early.hear(done('stage', place)).phase).toBe('starting');
  });

  it('says what the head has not taken, until it has, and only that', () => {
    const stage = on(aRunner('running'));
    expect(stage.hear({ is: 'remind' }).effects).toEqual([REPORT, 'after 2000 remind']);
    stage.hear(taken(5));
    expect(stage.hear({ is: 'remind' }).effects).toEqual(['after 2000 remind']);
    stage.hear(taken(99));
    expect(stage.state.taken).toBe(5);
  });

  it('is not forgotten before its last word is taken', () => {
    const stage = on(aRunner('over'));
    expect(stage.hear(taken(4))).toMatchObject({ phase: 'over', moved: false });
    expect(stage.hear(taken(5)).phase).toBe('forgotten');
  });

  it('ends its process at its walltime, by its own clock since the start', () => {
    const stage = on(aRunner('running', {}, { walltimeMs: 60_000 }));
    expect(stage.entered(45_000)).toEqual([...ENTER, 'run wait', 'after 15000 walltime']);
    expect(stage.hear({ is: 'walltime' }, 60_000)).toEqual({
      phase: 'stopping',
      moved: true,
      effects: [...ENTER, 'run kill'],
    });
    stage.hear(done('kill', exit({ signal: 15 })));
    expect(stage.state).toMatchObject({ phase: 'collecting', failure: { code: 'over_walltime' } });
  });
});

describe('what fails', () => {
  it.each([
    ['staging', 'stage', 'stage'],
    ['collecting', 'collect', 'collect'],
  ] as const)('while %s is tried again, with longer pauses', (phase, task, again) => {
    const stage = on(aRunner(phase));
    expect(stage.hear(failed(task, why('unreachable'))).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual([`run ${again}`]);
    expect(stage.hear(failed(task, why('unreachable'))).effects).toEqual(['after 2000 again']);
  });

  it('to bring the files ends the attempt after five tries, or at once if it is hopeless', () => {
    const stage = on(aRunner('staging', { tries: 4 }));
    expect(stage.hear(failed('stage', why('unreachable')))).toEqual({
      phase: 'over',
      moved: true,
      effects: ENTER,
    });
    expect(on(aRunner('staging')).hear(failed('stage', why('missing_input'))).phase).toBe('over');
  });

  it('to bring the results is tried for ever, unless somebody wants the attempt ended', () => {
    const stage = on(aRunner('collecting', { tries: 400, exit: exit() }));
    expect(stage.hear(failed('collect', why('disk_full'))).effects).toEqual(['after 30000 again']);
    stage.hear(stop());
    expect(stage.hear(failed('collect', why('disk_full'))).phase).toBe('over');
  });

  it('to start is over only once whatever it left is killed', () => {
    const stage = on(aRunner('starting'));
    expect(stage.hear(failed('start', why('start_failed', true)))).toEqual({
      phase: 'stopping',
      moved: true,
      effects: [...ENTER, 'run kill'],
    });
    expect(stage.hear(failed('kill', why('bug'))).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual(['run kill']);
    expect(stage.hear(done('kill', null))).toEqual({ phase: 'over', moved: true, effects: ENTER });
    expect(reportOf(stage.state)).toMatchObject({
      phase: 'over',
      exit: null,
      failure: { code: 'start_failed', retry: true },
    });
  });

  it('to wait for it is a bug, and tried again, or nobody knows of the process any more', () => {
    const stage = on(aRunner('running'));
    expect(stage.hear(failed('wait', why('bug'))).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual(['run wait']);
    expect(stage.hear(failed('wait', why('not_found')))).toMatchObject({ phase: 'stopping' });
    expect(stage.state.failure).toMatchObject({ code: 'lost', retry: false });
  });

  it('to clear up is tried again', () => {
    const stage = on(aRunner('forgotten'));
    expect(stage.hear(failed('clear', why('disk_error'))).effects).toEqual(['after 30000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual(['run clear']);
  });

  it('because a log is full tells so', () => {
    const stage = on(aRunner('running'));
    stage.hear(done('wait', { ...exit({ signal: 9 }), logFull: true }));
    expect(stage.state.failure?.code).toBe('too_large');
    expect(stage.state.exit).toEqual(exit({ signal: 9 }));
  });
});

describe('stop', () => {
  const rows = {
    staging: ['over', ['reply 8 {}', REPORT, ...ENTER]],
    staged: ['over', ['reply 8 {}', REPORT, ...ENTER]],
    starting: ['stopping', ['reply 8 {}', REPORT, ...ENTER, 'run kill']],
    running: ['stopping', ['reply 8 {}', REPORT, ...ENTER, 'run kill']],
    stopping: ['stopping', ['reply 8 {}', REPORT]],
    collecting: ['collecting', ['reply 8 {}', REPORT]],
    over: ['over', ['reply 8 {}', REPORT]],
    forgotten: ['forgotten', ['reply 8 {}', REPORT]],
  } as const;
  it.each(phases)('of a runner that is %s', (phase) => {
    const state = aRunner(phase, phase === 'stopping' ? { stop: stopOf() } : {});
    const shown = on(state).hear(stop({ failure: killed }));
    expect([shown.phase, shown.effects]).toEqual(rows[phase]);
  });

  it('keeps the first reason, and tells that swm ended it', () => {
    const stage = on(aRunner('running'));
    stage.hears(stop({ failure: killed }), stop({ failure: why('lost') }));
    expect(reportOf(stage.state)).toMatchObject({ failure: killed, stopped: true });
  });

  it('of an attempt that was never ordered refuses it for ever', () => {
    const stage = on(runner.init(stopOf(), NOW));
    expect(stage.entered()).toEqual(ENTER);
    expect(stage.hear(stop()).effects).toEqual(['reply 8 {}', REPORT]);
    expect(stage.hear(order)).toEqual({
      phase: 'over',
      moved: false,
      effects: ['refuse 7 refused: this attempt was ended before it was ordered', REPORT],
    });
    stage.hear(taken(1));
    expect(stage.hear(order)).toMatchObject({ phase: 'forgotten', moved: false });
  });
});

describe('an order', () => {
  it.each(phases)('that comes again to a runner that is %s starts nothing', (phase) => {
    const shown = on(aRunner(phase)).hear(order);
    expect(shown).toEqual({ phase, moved: false, effects: ['reply 7 {}', REPORT] });
  });

  it.each(['starting', 'running', 'stopping', 'collecting', 'over', 'forgotten'] as const)(
    'to go that comes again to a runner that is %s starts nothing',
    (phase) => {
      expect(on(aRunner(phase)).hear(go)).toEqual({ phase, moved: false, effects: [] });
    },
  );
});

it('is forgotten when it is long over, and its place is cleared', () => {
  const forget = told('runner.forget', { runner: RUNNER, before: NOW + 1 });
  const erased = (state: Runner) => {
    const stage = on(state);
    stage.hear(forget);
    return stage.state.erased;
  };
  const over = { forgottenAt: NOW, cleared: true };
  expect(erased(aRunner('forgotten', over))).toBe(true);
  expect(erased(aRunner('forgotten', { ...over, cleared: false }))).toBe(false);
  expect(erased(aRunner('forgotten', { ...over, forgottenAt: NOW + 1 }))).toBe(false);
  expect(erased(aRunner('over'))).toBe(false);
});
