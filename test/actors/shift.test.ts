import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { runner } from '../../src/actors/runner/behaviour.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import type { ShiftNews, Work } from '../../src/actors/ways.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { aRunner, orderOf } from './runners.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, aJob, exit, ID, liveJob, OPERATOR, OTHER, onNodes, worker } from './things.ts';

const shift = { array: OTHER, number: 3, taskMs: 0 };
const REPORT = `tell /jobs/${ID} job.report`;
const ASK = `ask /jobs/${ID} shift.next (work)`;
const passing = failure('unreachable', 'x', true);

const asked = (change: Partial<Body<'shift.next'>> = {}): Body<'shift.next'> => ({
  job: ID,
  node: 'n1',
  attempt: 1,
  from: 0,
  to: 48,
  results: [{ from: 0, to: 0, how: 'exited', code: 0 }],
  granted: 1,
  wants: 2,
  ...change,
});

const works = (change: Partial<Runner> = {}) =>
  new Stage<Runner>(runner, aRunner('running', { order: orderOf({ shift }), ...change }));
const news = (change: Partial<ShiftNews> = {}): ShiftNews => ({
  granted: 0,
  open: 0,
  from: 0,
  to: 0,
  results: [],
  ...change,
});
const work = (change: Partial<Work> = {}): Work => ({
  heard: 0,
  grant: 0,
  places: [],
  cancelled: [],
  over: false,
  ...change,
});
const ended = (to: number): ShiftNews['results'] => [{ from: 0, to, how: 'exited', code: 0 }];
const returned = { from: 2, to: 90, how: 'returned', code: 0 } as const;
const nothing = { phase: 'running', moved: false };

describe('a runner of a shift', () => {
  it('looks at what was done from the beginning, and asks for a first task', () => {
    const stage = works();
    expect(stage.entered()).toEqual([REPORT, 'after 2000 remind', 'run wait', 'run news']);
    expect(runner.enter(stage.state, NOW)).toContainEqual(
      expect.objectContaining({ task: 'news', input: expect.objectContaining({ from: 0 }) }),
    );
    expect(stage.hear(done('news', news()))).toEqual({ ...nothing, effects: [ASK] });
    expect(stage.sent('shift.next')).toMatchObject({ granted: 0, wants: 1, results: [] });
  });

  it('hands on what it is granted, and then looks on from where all is taken', () => {
    const stage = works();
    const grant = work({ heard: 48, grant: 2, places: [[4, 9]] });
    expect(stage.hear(answered('shift.next', grant, 'work')).effects).toEqual(['run feed']);
    expect(stage.raw[0]).toMatchObject({ input: { work: grant } });
    expect(stage.hear(done('feed')).effects).toEqual(['run news']);
    expect(stage.raw[0]).toMatchObject({ input: { from: 48, isLast: false } });
    expect(stage.hear(answered('shift.next', work({ heard: 96 }), 'work')).effects).toEqual([
      'run news',
    ]);
  });

  it.each([
    ['two reports of work, by how fast it was', { open: 10, results: ended(99) }, 1_000, 190],
    ['not much more than it just did', { open: 0, results: ended(1) }, 1, 8],
    ['nothing for what it returned', { open: 1, results: [returned] }, 1_000, 0],
    ['nothing while there is enough', { open: 300, results: ended(99) }, 1_000, 0],
    ['one of those that take long', { open: 0, results: [] }, 60_000, 1],
    ['none of those while one runs', { open: 1, results: [] }, 60_000, 0],
    ['no more than may be given at once', { open: 0, results: ended(99_999) }, 10, 20_000],
  ])('wants %s', (_, change, ms, wants) => {
    const stage = works();
    stage.hear(done('news', news({ granted: 1, to: 48, ...change })), ms);
    expect(stage.sent('shift.next').wants).toBe(wants);
  });

  it('has what it has not begun returned, when it is at one task for long', () => {
    const stage = works();
    const silent = { granted: 2, from: 48, to: 48, open: 7 };
    expect(stage.hear(done('news', news(silent))).effects).toEqual(['run recall']);
    expect(stage.hear(done('recall')).effects).toEqual(['run news']);
    // The one that it is at stays.
    expect(stage.hear(done('news', news({ ...silent, open: 1 }))).effects).toEqual([ASK]);
  });

  it('wants nothing any more once there is nothing for it, or it is to end', () => {
    const stage = works();
    stage.hear(answered('shift.next', work({ over: true }), 'work'));
    stage.hear(done('news', news()));
    expect(stage.sent('shift.next').wants).toBe(0);
  });

  it('tells again what was not answered, as it is then', () => {
    const stage = works();
    expect(stage.hear(unanswered(passing, 'work')).effects).toEqual(['after 1000 work']);
    expect(stage.hear({ is: 'work' }).effects).toEqual(['run news']);
    expect(stage.hear(failed('news', passing)).effects).toEqual(['after 1000 work']);
    // Whose attempt is given up says no more.
    expect(stage.hear(unanswered(failure('wrong_phase', 'x'), 'work')).effects).toEqual([]);
    expect(stage.hear({ is: 'work' }).effects).toEqual([]);
  });

  it('tells all before its files are collected', () => {
    const stage = works();
    expect(stage.hear(done('wait', exit()))).toMatchObject({ phase: 'collecting' });
    const enter = stage.entered();
    expect(enter.at(-1)).toBe('run news');
    expect(stage.hear(done('news', news({ to: 96, results: ended(1) }))).effects).toEqual([ASK]);
    expect(stage.hear(unanswered(passing, 'work')).effects).toEqual(['after 1000 work']);
    expect(stage.hear({ is: 'work' }).effects).toEqual(['run news']);
    expect(stage.raw[0]).toMatchObject({ input: { isLast: true } });
    stage.hear(done('news', news({ to: 96, results: ended(1) })));
    expect(stage.hear(answered('shift.next', work({ heard: 96 }), 'work')).effects).toEqual([
      'run news',
    ]);
    const last = done('news', news({ from: 96, to: 96 }));
    expect(stage.hear(last).effects).toEqual(['run collect']);
    expect(stage.entered().at(-1)).toBe('run collect');
  });

  it('collects though nobody takes its results, or they cannot be read', () => {
    for (const event of [
      unanswered(failure('wrong_phase', 'x'), 'work'),
      failed('news', failure('refused', 'x')),
    ]) {
      const stage = works();
      stage.hear(done('wait', exit()));
      expect(stage.hear(event).effects).toEqual(['run collect']);
    }
  });
});

describe('a job that is a shift', () => {
  const on = (change: Partial<Job> = {}) =>
    new Stage<Job>(job, liveJob('running', onNodes('n1'), { shift, ...change }));
  const next = (change: Partial<Body<'shift.next'>> = {}, who = worker('n1')) =>
    told('shift.next', asked(change), 5, who);
  const TO = `ask /jobs/${OTHER} array.work (next/5)`;

  it('hands on what its worker says, and what its array answers', () => {
    const stage = on();
    expect(stage.hear(next())).toEqual({ ...nothing, effects: [TO] });
    const { node: _, ...others } = asked();
    expect(stage.sent('array.work')).toEqual({
      ...others,
      job: OTHER,
      shift: ID,
      number: 3,
      losses: 0,
    });
    const answer = work({ grant: 2, places: [[1, 2]] });
    expect(stage.hear(answered('array.work', answer, 'next/5')).effects).toEqual([
      `reply 5 ${JSON.stringify(answer)}`,
    ]);
    expect(stage.hear(unanswered(passing, 'next/5')).effects).toEqual(['refuse 5 unreachable: x']);
  });

  it.each([
    ['of another node', {}, worker('n2'), 'forbidden'],
    ['in the name of another', { node: 'n2' }, worker('n2'), 'wrong_phase'],
    ['of an attempt that is past', { attempt: 0 }, worker('n1'), 'wrong_phase'],
  ])('refuses what is said %s', (_, change, who, code) => {
    expect(on().hear(next(change, who)).effects[0]).toMatch(new RegExp(`^refuse 5 ${code}`));
  });

  it('refuses what is no shift, or does not run', () => {
    expect(on({ shift: null }).hear(next()).effects[0]).toMatch(/^refuse 5 forbidden/);
    const ended = new Stage<Job>(job, aJob({ phase: 'ended', shift }));
    expect(ended.hear(next()).effects[0]).toMatch(/^refuse 5 wrong_phase/);
  });

  it('is steered by its array alone', () => {
    const cancel = (who: Parameters<typeof told>[3]) => told('job.cancel', { id: ID }, 7, who);
    for (const who of [ANN, OPERATOR])
      expect(on().hear(cancel(who)).effects[0]).toMatch(/^refuse 7 wrong_phase: .*runs tasks of/);
    expect(on().hear(told('job.cancel', { id: ID })).moved).toBe(true);
  });

  it('tells its array that it has ended until that has heard it', () => {
    const outcome = { state: 'E', exitcode: 0, signal: 0, failure: passing } as const;
    const state = aJob({
      ...{ phase: 'ended', shift, outcome, spent: 0.5, placement: onNodes('n1') },
      ...{ startedAt: NOW - 5_000, endedAt: NOW - 1_000 },
    });
    const stage = new Stage<Job>(job, state);
    const LEFT = `ask /jobs/${OTHER} array.left (left)`;
    expect(stage.entered()).toEqual([LEFT]);
    expect(job.enter(state, NOW)).toMatchObject([
      {
        message: {
          body: { number: 3, isCancelled: false, failure: passing, cost: 0.5, coreMs: 4_000 },
        },
      },
    ]);
    expect(keeping.index(state, '')).toContain('/live/jobs');
    expect(stage.hear(unanswered(passing, 'left')).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual([LEFT]);
    stage.hear(answered('array.left', {}, 'left'));
    expect(stage.entered()).toEqual([]);
    // It is in no list, but nobody gets an id that begins as its own.
    expect(keeping.index(stage.state, '')).toEqual([`/jobs-by-id/${ID}`]);
    expect(stage.hear(told('job.purge', { id: ID }, 7)).effects).toEqual([
      `reply 7 {"id":"${ID}"}`,
    ]);
    expect(stage.state.remains).toBe('nothing');
  });
});
