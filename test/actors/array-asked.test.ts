import { describe, expect, it } from 'vitest';
import type { ArrayJob } from '../../src/actors/array/array.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { row } from '../../src/actors/job/view.ts';
import type { Results } from '../../src/protocol/array-model.ts';
import { load } from '../../src/runtime/record.ts';
import { answer, begun, counts, exited, given, id, left, on, range, work } from './arrays.ts';
import { memoryStore } from './memory.ts';
import { done, told } from './stage.ts';
import { ANN, BEN, ID, OPERATOR } from './things.ts';

describe('what is asked of an array', () => {
  const cancel = (tasks?: [number, number][], who: Parameters<typeof told>[3] = ANN) =>
    told('job.cancel', { id: ID, ...(tasks && { tasks }) }, 7, who);
  const requeue = (tasks?: [number, number][]) =>
    told('job.requeue', { id: ID, ...(tasks && { tasks }) }, 7, ANN);

  it('is for its owner and operators', () => {
    const stage = begun();
    expect(stage.hear(cancel([[10, 10]], BEN)).effects[0]).toMatch(/^refuse 7 forbidden/);
    expect(stage.hear(cancel([[11, 11]], OPERATOR)).effects[0]).toMatch(/^refuse 7 not_found/);
    expect(counts(stage)).toBe('6 4 0 0 0');
  });

  it('cancels single tasks: at once those that wait, by their shift those that it has', () => {
    const stage = begun();
    stage.hear(cancel([[14, 19]]));
    expect(counts(stage)).toBe('5 4 0 0 1');
    stage.hear(work(0, 0, [], { granted: 1, wants: 0 }));
    expect(answer(stage).cancelled).toEqual([[2, 3]]);
    const results: Results[] = [exited(0, 1), { from: 2, to: 3, how: 'cancelled', code: 0 }];
    stage.hear(work(0, 0, results, { granted: 1, wants: 1 }));
    expect(answer(stage)).toMatchObject({ cancelled: [], places: [[5, 5]] });
    expect(counts(stage)).toBe('4 1 2 0 3');
  });

  it('cancels all of it, and ends when its shifts have', () => {
    const stage = begun();
    expect(stage.hear(cancel())).toEqual({
      phase: 'running',
      moved: false,
      effects: [
        `reply 7 {"id":"${ID}","phase":"running"}`,
        ...[0, 1, 2, 3].map((n) => `tell /jobs/${id(n)} job.cancel`),
      ],
    });
    expect(stage.entered()).toEqual([0, 1, 2, 3].map((n) => `tell /jobs/${id(n)} job.cancel`));
    stage.hears(left(1), left(2), left(3));
    expect(stage.hear(left(0, { isCancelled: true })).phase).toBe('ended');
    expect(stage.state.outcome).toMatchObject({ state: 'C', failure: null });
    expect(counts(stage)).toBe('0 0 0 0 10');
  });

  it('runs tasks again that have ended, of an array that has not', () => {
    const stage = begun();
    expect(stage.hear(requeue()).effects[0]).toMatch(/^refuse 7 wrong_phase/);
    stage.hear(work(0, 0, [exited(0, 2, 1)], { granted: 1, wants: 0 }));
    stage.hear(requeue([[10, 28]]));
    expect(counts(stage)).toBe('9 1 0 0 0');
    expect(stage.state.run).toBe(1);
    // In their order before the others.
    stage.hear(work(0, 1, [], { granted: 1 }));
    expect(answer(stage).places).toEqual([
      [0, 2],
      [4, 4],
    ]);
  });

  it('runs tasks of one that has ended again, in another run', () => {
    const stage = given();
    const results = [exited(0, 2), exited(3, 3, 8)];
    stage.hears(work(0, 0, results, { granted: 3 }), ...[0, 1, 2, 3].map((n) => left(n)));
    expect(stage.hear(requeue([[4, 4]]), 5)).toEqual({
      phase: 'placing',
      moved: true,
      effects: [`reply 7 {"id":"${ID}","run":2}`, 'run draw'],
    });
    expect(stage.state).toMatchObject({ run: 2, outcome: null, runs: [{ run: 1 }] });
    stage.hears(done('draw', [id(4)]), work(4, 0, []));
    expect(answer(stage).places).toEqual([[3, 3]]);
  });

  it('holds what waits, and lets run what runs', () => {
    const stage = begun();
    const hold = told('job.hold', { id: ID }, 7, ANN);
    const held = stage.hear(hold);
    expect(held).toMatchObject({ phase: 'running', moved: true });
    expect(held.effects.slice(1)).toEqual([1, 2, 3].map((n) => `tell /jobs/${id(n)} job.cancel`));
    stage.hear(work(0, 0, [exited(0, 3)], { granted: 1 }));
    expect(answer(stage)).toMatchObject({ over: true, places: [] });
    stage.hears(left(1, { isCancelled: true }), left(2, { isCancelled: true }), left(0));
    expect(stage.hear(left(3, { isCancelled: true })).phase).toBe('queued');
    expect(row(stage.state).details).toMatch(/^held by its owner since .*, 4 of 10 tasks ended/);
    expect(stage.entered()).toEqual([]);
    const release = told('job.release', { id: ID }, 7, ANN);
    expect(stage.hear(release)).toEqual({
      phase: 'running',
      moved: true,
      effects: [`reply 7 {"id":"${ID}"}`, 'run draw'],
    });
  });
});

describe('the record of an array', () => {
  it('reads as it was, and as much as a list needs without its tasks', () => {
    const stage = begun({ array: { first: 0, last: 999_999, step: 1, limit: 0 } });
    const store = memoryStore();
    store.keep(keeping, `/jobs/${ID}`, stage.state);
    const { drawing: _, ...tasks } = stage.state.tasks;
    expect(load(store, keeping, `/jobs/${ID}`)?.state).toEqual({ ...stage.state, tasks });
    const brief = load(store, keeping, `/jobs/${ID}`, '~')?.state as ArrayJob;
    expect(row(brief)).toEqual(row(stage.state));
    expect(brief.tasks.shifts).toEqual([]);
  });

  it('is written where it changed only', () => {
    const stage = begun({ array: { first: 0, last: 999_999, step: 1, limit: 0 } });
    const before = keeping.split(stage.state);
    stage.hear(work(0, 0, [exited(0, 3)], { granted: 1, wants: 0 }));
    const after = keeping.split(stage.state);
    const changed = Object.keys(after).filter((part) => after[part] !== before[part]);
    expect(changed).toEqual(['head', 'tally', '~tasks.000000', '~shifts.000000']);
    expect(keeping.encode('~tasks.000000', after['~tasks.000000']).length).toBeLessThan(40);
    // Nothing but the head of a million that nobody has begun.
    expect(Object.keys(keeping.split(on({ array: range }).state))).toEqual([
      'head',
      'script',
      'tally',
    ]);
  });
});
