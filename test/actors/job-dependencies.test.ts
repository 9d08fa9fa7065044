import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { AWAITING, keeping, LIVE } from '../../src/actors/job/keeping.ts';
import { jobTasks } from '../../src/actors/job/tasks.ts';
import { row } from '../../src/actors/job/view.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { whyJobAwaits } from '../../src/actors/session/dependencies.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { memoryStore } from './memory.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, aJob, ID, liveJob, OTHER, onNodes } from './things.ts';

const THIRD = '33333333-2222-7333-8444-555555555555';
type When = Spec['after'][number]['when'];
type Standing = { started: boolean; state: '' | 'F' | 'E' | 'C'; exitcode: number };

const waits: Standing = { started: false, state: '', exitcode: 0 };
const runs: Standing = { started: true, state: '', exitcode: 0 };
const well: Standing = { started: true, state: 'F', exitcode: 0 };
const badly: Standing = { started: true, state: 'F', exitcode: 3 };
const broken: Standing = { started: true, state: 'E', exitcode: 0 };
const cancelled: Standing = { started: false, state: 'C', exitcode: 0 };

const follows = (when: When, ...jobs: string[]) => ({ after: [{ when, jobs }] });
const on = (asked: Partial<Spec>) => new Stage<Job>(job, aJob({}, asked));
const moved = (standing: Standing, of = OTHER) =>
  told('job.moved', { id: ID, job: of, ...standing });
const answer = (standing: Standing, of = OTHER) => answered('job.await', standing, of);
const SCHEDULER = 'tell /scheduler scheduler.job';
const ASK = `ask /jobs/${OTHER} job.await (${OTHER})`;
const RELEASING = [SCHEDULER, 'after 0 late'];

describe('a job that waits for another', () => {
  it.each([
    ['after', waits, 'waits'],
    ['after', runs, 'goes on'],
    ['after', badly, 'goes on'],
    ['after', cancelled, 'goes on'],
    ['after-any', runs, 'waits'],
    ['after-any', well, 'goes on'],
    ['after-any', broken, 'goes on'],
    ['after-ok', waits, 'waits'],
    ['after-ok', runs, 'waits'],
    ['after-ok', well, 'goes on'],
    ['after-ok', badly, 'which ended with exit code 3; it was to run only if it ended well'],
    ['after-ok', broken, 'which could not be run to its end; it was to run only if it ended well'],
    ['after-ok', cancelled, 'which was cancelled; it was to run only if it ended well'],
    ['after-not-ok', runs, 'waits'],
    ['after-not-ok', badly, 'goes on'],
    ['after-not-ok', broken, 'goes on'],
    ['after-not-ok', cancelled, 'goes on'],
    ['after-not-ok', well, 'which ended with exit code 0; it was to run only if it failed'],
  ] as const)('by `%s`, and hears %j, %s', (when, standing, what) => {
    for (const heard of [moved(standing), answer(standing)]) {
      const stage = on(follows(when, OTHER));
      const shown = stage.hear(heard);
      const { outcome, unmet } = stage.state;
      if (what === 'waits') {
        expect(shown).toEqual({ phase: 'queued', moved: false, effects: [] });
        expect(unmet).toEqual([{ when, job: OTHER }]);
      } else if (what === 'goes on') {
        expect(shown).toEqual({ phase: 'queued', moved: true, effects: [SCHEDULER] });
        expect(stage.sent('scheduler.job').waits).toMatchObject({ attempt: 1, submittedAt: NOW });
      } else {
        expect(shown).toEqual({ phase: 'releasing', moved: true, effects: RELEASING });
        const text = `waited for job ${OTHER}, ${what}`;
        expect(outcome).toMatchObject({ state: 'E', failure: { code: 'dependency', text } });
      }
    }
  });

  it('asks it whenever it is opened, is kept from the scheduler, and takes no place', async () => {
    const stage = on(follows('after-ok', OTHER));
    expect(stage.entered()).toEqual([SCHEDULER, ASK]);
    expect(job.enter(stage.state, NOW)).toMatchObject([{ message: { body: { waits: null } } }, {}]);
    const place = told('job.place', { id: ID, attempt: 1, placement: onNodes('n1') });
    expect(stage.hear(place)).toEqual({ phase: 'queued', moved: false, effects: [SCHEDULER, ASK] });
    const store = memoryStore();
    store.keep(keeping, `/jobs/${ID}`, stage.state);
    const load = () =>
      schedulerTasks(store as never, async () => {}).load({ after: '' }, {} as never);
    expect(await load()).toEqual({ jobs: [], next: '' });
    stage.hear(moved(well));
    store.keep(keeping, `/jobs/${ID}`, stage.state);
    expect((await load()).jobs).toMatchObject([{ id: ID }]);
  });

  it('is found by the other, and lives from a start, as long as it waits', async () => {
    const stage = on({
      after: [...follows('after', OTHER).after, ...follows('after-ok', OTHER).after],
    });
    const keys = () => keeping.index(stage.state, `/jobs/${ID}`);
    const own = [LIVE, `${AWAITING}/${OTHER}`];
    expect(keys().slice(-2)).toEqual(own);
    stage.hear(moved(runs));
    expect(stage.state.unmet).toEqual([{ when: 'after-ok', job: OTHER }]);
    expect(keys().slice(-2)).toEqual(own);
    stage.hear(moved(well));
    expect(keys().filter((key) => own.includes(key))).toEqual([]);
  });

  it('goes on once all are as it wants them, in whatever order', () => {
    const both = {
      after: [...follows('after-ok', OTHER).after, ...follows('after-any', THIRD).after],
    };
    const stage = on(both);
    expect(stage.entered()).toEqual([SCHEDULER, ASK, `ask /jobs/${THIRD} job.await (${THIRD})`]);
    expect(stage.hear(moved(broken, THIRD))).toMatchObject({ moved: false, effects: [] });
    // Said twice, or by one that it does not wait for, it changes nothing.
    const before = stage.state;
    stage.hears(moved(broken, THIRD), moved(badly, ID));
    expect(stage.state).toBe(before);
    expect(stage.hear(answer(well)).effects).toEqual([SCHEDULER]);
    expect(stage.state.timeline.at(-1)?.what).toBe('the jobs that it waited for are done');
    // What comes late finds nothing to change.
    const gone = stage.state;
    stage.hear(moved(badly));
    expect(stage.state).toBe(gone);
  });

  it('asks again if nobody answers; of one that is forgotten it knows only that it ended', () => {
    const stage = on(follows('after-any', OTHER));
    expect(stage.hear(unanswered(failure('stopping', ''), OTHER)).effects).toEqual([
      'after 1000 ask',
    ]);
    expect(stage.hear({ is: 'ask', job: OTHER }).effects).toEqual([ASK]);
    expect(stage.hear({ is: 'ask', job: THIRD }).effects).toEqual([]);
    const gone = unanswered(failure('not_found', 'no job'), OTHER);
    expect(stage.hear(gone).effects).toEqual([SCHEDULER]);
    const other = on(follows('after-ok', OTHER));
    expect(other.hear(gone).phase).toBe('releasing');
    expect(other.state.outcome?.failure?.text).toBe(
      `waited for job ${OTHER}, which is forgotten by now; it was to run only if it ended well`,
    );
  });

  it('may be held meanwhile, and then waits for both', () => {
    const stage = on({ ...follows('after-ok', OTHER), hold: true });
    stage.hear(moved(well));
    expect(stage.sent('scheduler.job').waits).toBeNull();
    stage.hear(told('job.release', { id: ID }, 7, ANN));
    expect(stage.sent('scheduler.job').waits).not.toBeNull();
    const ends = on({ ...follows('after-ok', OTHER), hold: true });
    ends.hears(moved(badly), { is: 'late' });
    expect(ends.state).toMatchObject({ phase: 'ended', hold: null });
  });

  it('waits for what it still lacks in another run, and not for what was met', () => {
    const stage = on(follows('after-ok', OTHER));
    const again = told('job.requeue', { id: ID }, 7, ANN);
    stage.hears(moved(badly), { is: 'late' }, again);
    expect(stage.entered()).toEqual([SCHEDULER, ASK]);
    stage.hear(answer(well));
    stage.state = { ...stage.state, phase: 'ended', outcome: null };
    stage.hear(again);
    expect(stage.sent('scheduler.job').waits).not.toBeNull();
  });

  it('says which, and how that is', () => {
    const store = memoryStore();
    const { state } = on({
      after: [
        ...follows('after-ok', OTHER).after,
        ...follows('after-any', THIRD, ...['a', 'b', 'c', 'd'].map((x) => x.repeat(8))).after,
      ],
    });
    store.keep(keeping, `/jobs/${OTHER}`, liveJob('running', onNodes('n1'), { id: OTHER }));
    store.keep(keeping, `/jobs/${THIRD}`, aJob({ id: THIRD }, { hold: true }));
    expect(row(state).details.split('; ')).toEqual([
      'job 11111111 is first to end well',
      'job 33333333 is first to end',
      'job aaaaaaaa is first to end',
      'job bbbbbbbb is first to end',
      '2 more jobs are awaited',
    ]);
    expect(whyJobAwaits(store, state).split('; ').slice(0, 3)).toEqual([
      'job 11111111 is first to end well (running now)',
      'job 33333333 is first to end (held now)',
      'job aaaaaaaa is first to end (forgotten now)',
    ]);
  });
});

describe('a job that others wait for', () => {
  const question = told('job.await', { id: ID }, 9);
  const FIND = 'run awaiting';
  const found = (next: string, ...jobs: string[]) => done('awaiting', { jobs, next });
  const ended = (change: Partial<Job> = {}) =>
    aJob({
      phase: 'ended',
      outcome: { state: 'F', exitcode: 3, signal: 0, failure: null },
      ...change,
    });

  it('says how it is, and remembers once that it was asked', () => {
    const stage = new Stage<Job>(job, aJob());
    const reply = `reply 9 ${JSON.stringify(waits)}`;
    expect(stage.hear(question)).toEqual({ phase: 'queued', moved: false, effects: [reply] });
    const { state } = stage;
    expect(state.awaited).toBe(true);
    stage.hear(question);
    expect(stage.state).toBe(state);
  });

  it('tells nobody anything unless it was asked, and costs nothing then', () => {
    expect(job.enter(ended(), NOW)).toEqual([]);
    const running = new Stage<Job>(job, liveJob('running')).entered();
    expect(running).not.toContain(FIND);
    const asked = liveJob('running', onNodes('n1'), { awaited: true });
    expect(new Stage<Job>(job, asked).entered()).toEqual([...running, FIND]);
  });

  it('once it has ended says how, also of what is left of it after a purge', () => {
    const stage = new Stage<Job>(job, ended());
    const { state } = stage;
    expect(stage.hear(question).effects).toEqual([
      `reply 9 ${JSON.stringify({ ...badly, started: false })}`,
    ]);
    expect(stage.state).toBe(state);
    stage.hears(told('job.purge', { id: ID }, 7, ANN));
    expect(stage.hear(question).effects).toEqual([
      `reply 9 ${JSON.stringify({ ...badly, started: false })}`,
    ]);
    stage.state = { ...stage.state, remains: 'nothing' };
    expect(stage.hear(question).effects).toEqual([`refuse 9 not_found: no job ${ID}`]);
  });

  it('has not ended as long as it may run again', () => {
    const stage = new Stage<Job>(
      job,
      aJob({ phase: 'releasing', outcome: ended().outcome, again: 'run' }),
    );
    expect(stage.hear(question).effects).toEqual([
      `reply 9 {"started":false,"state":"","exitcode":3}`,
    ]);
  });

  it('finds all of them at its end, page by page, and tells each', () => {
    const stage = new Stage<Job>(job, ended({ awaited: true, startedAt: NOW }));
    expect(stage.entered()).toEqual([FIND]);
    expect(stage.hear(found('next', OTHER)).effects).toEqual([
      `tell /jobs/${OTHER} job.moved`,
      FIND,
    ]);
    expect(stage.sent('job.moved')).toEqual({ id: OTHER, job: ID, ...badly });
    expect(stage.raw.at(-1)).toMatchObject({ input: { job: ID, after: 'next' } });
    expect(stage.hear(found('', THIRD)).effects).toEqual([`tell /jobs/${THIRD} job.moved`]);
  });

  it('looks again if it could not look', () => {
    const stage = new Stage<Job>(job, ended({ awaited: true }));
    expect(stage.hear(failed('awaiting', failure('disk_error', ''))).effects).toEqual([
      'after 1000 tell',
    ]);
    expect(stage.hear({ is: 'tell' }).effects).toEqual([FIND]);
  });

  it('finds those that are kept, and no others', async () => {
    const store = memoryStore();
    const dependent = aJob({ id: OTHER }, follows('after', ID));
    store.keep(keeping, `/jobs/${OTHER}`, dependent);
    store.keep(keeping, `/jobs/${THIRD}`, aJob({ id: THIRD }, follows('after', OTHER)));
    const tasks = jobTasks({ store } as never);
    const look = () => tasks.awaiting({ job: ID, after: '' }, {} as never);
    expect(await look()).toEqual({ jobs: [OTHER], next: '' });
    store.keep(keeping, `/jobs/${OTHER}`, { ...dependent, unmet: [] });
    expect(await look()).toEqual({ jobs: [], next: '' });
  });
});
