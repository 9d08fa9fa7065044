import { describe, expect, it } from 'vitest';
import { shownTasks } from '../../src/actors/array/view.ts';
import { job } from '../../src/actors/job/behaviour.ts';
import { row } from '../../src/actors/job/view.ts';
import type { Results } from '../../src/protocol/array-model.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import {
  answer,
  begun,
  counts,
  created,
  exited,
  given,
  id,
  ids,
  LEFT,
  left,
  on,
  range,
  work,
} from './arrays.ts';
import { done, failed, NOW, told, unanswered } from './stage.ts';
import { ANN, ID } from './things.ts';

describe('an array that begins', () => {
  it('waits for no place itself, and has a few shifts made', () => {
    const stage = on();
    expect(stage.state.phase).toBe('placing');
    expect(stage.entered()).toEqual(['run draw']);
    expect(job.enter(stage.state, NOW)).toMatchObject([{ input: { count: 4 } }]);
    expect(stage.hear(done('draw', ids(0, 3)))).toEqual({
      phase: 'placing',
      moved: false,
      effects: created(0, 1, 2, 3),
    });
    const [first] = stage.raw as unknown as { message: { body: Body<'job.create'> } }[];
    expect(first?.message.body).toMatchObject({
      id: id(0),
      owner: 'ann',
      spec: { array: range, walltimeMs: 0, retries: 0 },
      shift: { array: ID, number: 0, taskMs: 0 },
    });
    // What may not have been heard is said again after a start.
    expect(stage.entered()).toEqual(created(0, 1, 2, 3));
  });

  it('has no more of them than tasks, nor than its limit', () => {
    for (const [array, count] of [
      [{ first: 1, last: 2, step: 1, limit: 0 }, 2],
      [{ first: 1, last: 99, step: 1, limit: 3 }, 3],
      [{ first: 1, last: 99, step: 1, limit: 0 }, 16],
    ] as const)
      expect(job.enter(on({ array }).state, NOW)).toMatchObject([{ input: { count } }]);
  });

  it('grows with those that have begun, and asks for ids once at a time', () => {
    const stage = on({ array: { first: 1, last: 99, step: 1, limit: 0 } });
    stage.hear(done('draw', ids(0, 15)));
    expect(stage.hear(work(0, 0, [], { wants: 1 }))).toMatchObject({
      phase: 'running',
      moved: true,
    });
    expect(stage.state).toMatchObject({ startedAt: NOW });
    // Two more, for one that has begun.
    const others = Array.from({ length: 15 }, (_, i) => i + 1);
    expect(stage.entered()).toEqual([...created(...others), 'run draw']);
    expect(stage.hear(work(1, 0, [], { wants: 1 })).effects.at(-1)).toBe('run draw');
    expect(stage.hear(work(2, 0, [], { wants: 1 })).effects).toHaveLength(1);
    // By then two more are wanted than were asked for.
    expect(stage.hear(done('draw', ids(16, 19))).effects).toEqual([
      ...created(16, 17, 18, 19),
      'run draw',
    ]);
    expect(stage.hear(failed('draw', failure('bug', 'x'))).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects.at(-1)).toBe('run draw');
  });

  it('gives up a shift whose id another job has, and has another made', () => {
    const stage = on({ array: { first: 1, last: 1, step: 1, limit: 0 } });
    stage.hear(done('draw', ids(0, 0)));
    const passing = failure('unreachable', 'x', true);
    expect(stage.hear(unanswered(passing, 'create/0')).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual(created(0));
    const taken = failure('key_reused', 'x');
    expect(stage.hear(unanswered(taken, 'create/0')).effects).toEqual(['run draw']);
    expect(stage.hear(done('draw', [id(1)])).effects).toEqual(created(1));
  });
});

describe('tasks that are given out', () => {
  it('are of one shift each, whose results are taken once', () => {
    const stage = begun();
    expect(counts(stage)).toBe('6 4 0 0 0');
    stage.hear(work(1, 0, [], { wants: 5 }));
    // Those that come later leave some for those who are still to come.
    expect(answer(stage)).toMatchObject({ grant: 1, places: [[4, 5]] });
    const report = work(0, 0, [exited(0, 1), exited(2, 2, 3)], { granted: 1, wants: 0 });
    stage.hear(report);
    expect(answer(stage)).toEqual({ heard: 2, grant: 1, places: [], cancelled: [], over: false });
    expect(counts(stage)).toBe('4 3 2 1 0');
    // Its answer was lost: it is told up to where all is known.
    stage.hear(report);
    expect(answer(stage)).toMatchObject({ heard: 2, places: [] });
    expect(counts(stage)).toBe('4 3 2 1 0');
    // Of those that another has it may say what it likes.
    stage.hear(work(0, 2, [exited(4, 5, 1), exited(9, 9, 1)], { granted: 1, wants: 0 }));
    expect(counts(stage)).toBe('4 3 2 1 0');
  });

  it('are given again by the same number to a shift that did not hear it', () => {
    const stage = begun();
    stage.hear(work(0, 0, [], { granted: 0 }));
    expect(answer(stage)).toMatchObject({ grant: 1, places: [[0, 3]] });
    expect(counts(stage)).toBe('6 4 0 0 0');
    stage.hear(work(0, 0, [exited(0, 3)], { granted: 1, wants: 2 }));
    expect(answer(stage)).toMatchObject({ heard: 1, grant: 2, places: [[4, 5]] });
  });

  it('go to others when their shift is over, but for what it has told', () => {
    const stage = begun();
    stage.hear(work(0, 0, [exited(0, 0)], { granted: 1, wants: 0 }));
    expect(
      stage.hear(left(0, { cost: 2, coreMs: 9, failure: failure('lost', 'x') })),
    ).toMatchObject({ phase: 'running', effects: [LEFT, 'run draw'] });
    expect(counts(stage)).toBe('9 0 1 0 0');
    expect(stage.state).toMatchObject({ spent: 2, tasks: { tally: { coreMs: 9, live: 3 } } });
    // Said again it changes nothing.
    expect(stage.hear(left(0, { cost: 2 })).effects).toEqual([LEFT]);
    expect(stage.state.spent).toBe(2);
    // What it may yet say is not taken.
    stage.hear(work(0, 1, [exited(1, 1)]));
    expect(answer(stage)).toMatchObject({ places: [], over: true });
    expect(counts(stage)).toBe('9 0 1 0 0');
    stage.hear(work(1, 0, []));
    expect(answer(stage).places).toEqual([[1, 4]]);
  });

  it('go to others when their shift comes to another attempt, which begins anew', () => {
    const stage = begun();
    stage.hear(work(0, 0, [exited(0, 0)], { granted: 1, wants: 0 }));
    stage.hear(work(0, 0, [], { attempt: 2, wants: 2 }));
    expect(answer(stage)).toMatchObject({ heard: 0, grant: 1, places: [[1, 2]] });
    stage.hear(work(0, 1, [exited(1, 2)], { attempt: 1, granted: 1 }));
    expect(answer(stage)).toMatchObject({ over: true, places: [] });
    expect(counts(stage)).toBe('7 2 1 0 0');
  });

  it('wait again when their shift returns them, however often it does', () => {
    const stage = begun();
    for (const from of [0, 1, 2, 3]) {
      const results: Results[] = [{ from: 1, to: 3, how: 'returned', code: 0 }];
      stage.hear(work(0, from, results, { granted: from + 1, wants: 0 }));
      expect(counts(stage)).toBe('9 1 0 0 0');
      stage.hear(work(0, from + 1, [], { granted: from + 1, wants: 3 }));
      expect(answer(stage).places).toEqual([[1, 3]]);
    }
  });

  it('are tried again as often as `retries` says', () => {
    const stage = begun({ retries: 1 });
    stage.hear(work(0, 0, [exited(0, 1, 7)], { granted: 1, wants: 1 }));
    expect(answer(stage)).toMatchObject({ grant: 2, places: [[0, 0]] });
    stage.hear(work(0, 1, [exited(2, 3), exited(0, 0, 7)], { granted: 2, wants: 0 }));
    expect(counts(stage)).toBe('7 0 2 1 0');
    expect(shownTasks(stage.state, [[10, 14]])).toEqual([
      { index: 10, state: 'exited', exitcode: 7, signal: 0, tries: 1, shift: id(0) },
      { index: 12, state: 'waiting', exitcode: 0, signal: 0, tries: 1, shift: id(0) },
      { index: 14, state: 'exited', exitcode: 0, signal: 0, tries: 0, shift: id(0) },
    ]);
  });

  it('are lost once they have gone with their shift too often, lest they end them all', () => {
    const stage = on();
    stage.hear(done('draw', ids(0, 3)));
    for (const n of [0, 1, 2]) {
      stage.hear(work(n, 0, [], { wants: 1 }));
      expect(answer(stage).places).toEqual([[0, 0]]);
      if (n < 2)
        expect(stage.hear(left(n, { failure: failure('lost', 'x') })).phase).toBe('running');
      else stage.hear(work(n, 0, [exited(0, 0)], { granted: 1, wants: 0 }));
    }
    expect(counts(stage)).toBe('9 0 1 0 0');
  });
});

describe('an array that ends', () => {
  it('lets shifts go that have nothing to do, and ends once none is left', () => {
    const stage = given();
    // The last was given out: who waits for a place waits in vain.
    expect(stage.raw.map((effect) => effect.do)).toEqual(['reply', 'tell', 'tell', 'tell']);
    expect(stage.entered()).toEqual([1, 2, 3].map((n) => `tell /jobs/${id(n)} job.cancel`));
    expect(stage.hear(work(1, 0, [], { wants: 1 })).effects).toHaveLength(1);
    expect(answer(stage)).toMatchObject({ over: true, places: [] });
    const ended = stage.hear(work(0, 0, [exited(0, 3)], { granted: 3 }));
    expect(ended).toMatchObject({ phase: 'running', moved: false });
    expect(answer(stage)).toMatchObject({ over: true });
    stage.hears(left(0), left(1), left(2, { isCancelled: true }));
    expect(stage.hear(left(3, { isCancelled: true }), 9)).toEqual({
      phase: 'ended',
      moved: true,
      effects: [LEFT],
    });
    expect(row(stage.state)).toMatchObject({
      state: 'F',
      exitcode: 0,
      endedAt: NOW + 9,
      details: '4 of 4 tasks ended',
      tasks: { total: 4, good: 4 },
    });
  });

  it.each([
    ['the highest code', [exited(0, 0, 3), exited(1, 1, 9), exited(2, 3)], 9],
    ['a signal as a shell has it', [{ from: 0, to: 3, how: 'killed', code: 9 }], 137],
    ['none for what was cancelled', [{ from: 0, to: 3, how: 'cancelled', code: 15 }], 0],
    ['that of a task that took too long', [{ from: 0, to: 3, how: 'late', code: 15 }], 143],
  ] as const)('gives %s', (_, results, exitcode) => {
    const stage = given();
    stage.hear(work(0, 0, results as readonly Results[], { granted: 3 }));
    stage.hears(...[0, 1, 2, 3].map((n) => left(n)));
    expect(stage.state).toMatchObject({ phase: 'ended', outcome: { state: 'F', exitcode } });
  });

  it('fails when shift after shift brings nothing', () => {
    const stage = on();
    stage.hear(done('draw', ids(0, 3)));
    const why = failure('site_error', 'no machine');
    expect(stage.hears(left(0, { failure: why }), left(1, { failure: why })).phase).toBe('placing');
    // Then all others are ended too.
    const third = stage.hear(left(2, { failure: why }));
    expect(third.effects).toEqual([LEFT, `tell /jobs/${id(3)} job.cancel`]);
    expect(stage.hear(left(3, { isCancelled: true })).phase).toBe('ended');
    expect(stage.state.outcome).toMatchObject({
      state: 'E',
      failure: {
        code: 'site_error',
        text: '3 shifts in a row ended without the result of any task, the last: no machine',
      },
    });
    expect(counts(stage)).toBe('0 0 0 0 10');
  });

  it('is forgotten with its shifts', () => {
    const stage = given();
    const purge = told('job.purge', { id: ID }, 7, ANN);
    expect(stage.hear(purge).effects[0]).toMatch(/^refuse 7 wrong_phase/);
    stage.hears(work(0, 0, [exited(0, 3)], { granted: 3 }), ...[0, 1, 2, 3].map((n) => left(n)));
    expect(stage.hear(purge).effects).toEqual([
      `reply 7 {"id":"${ID}"}`,
      ...[0, 1, 2, 3].map((n) => `tell /jobs/${id(n)} job.purge`),
    ]);
    expect(stage.state.remains).toBe('key');
    expect(stage.hear(left(0)).effects[0]).toMatch(/^refuse 6 not_found/);
  });
});
