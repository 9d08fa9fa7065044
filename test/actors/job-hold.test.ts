import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { row } from '../../src/actors/job/view.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { memoryStore } from './memory.ts';
import { NOW, Stage, told } from './stage.ts';
import { ANN, aJob, BEN, ID, liveJob, OPERATOR, onNodes } from './things.ts';

const on = (state: Job = aJob()) => new Stage<Job>(job, state);
const hold = (who: Parameters<typeof told>[3] = ANN) => told('job.hold', { id: ID }, 7, who);
const release = (who: Parameters<typeof told>[3] = ANN) => told('job.release', { id: ID }, 7, who);
const placed = told('job.place', { id: ID, attempt: 1, placement: onNodes('n1') });
const REPLY = `reply 7 {"id":"${ID}"}`;
const since = new Date(NOW).toISOString();
const waits = (stage: Stage<Job>) => stage.sent('scheduler.job').waits;

describe('a job that is held', () => {
  it('waits no more for the scheduler, takes no place, and says why', () => {
    const stage = on();
    expect(stage.hear(hold())).toEqual({
      phase: 'queued',
      moved: true,
      effects: [REPLY, 'tell /scheduler scheduler.job'],
    });
    expect(waits(stage)).toBeNull();
    expect(row(stage.state, 'no node is up').details).toBe(`held by its owner since ${since}`);
    // A place that was on its way is not taken.
    expect(stage.hear(placed)).toMatchObject({ phase: 'queued', moved: false });
    expect(waits(stage)).toBeNull();
    // Nor does a restart make it wait.
    expect(stage.entered()).toEqual(['tell /scheduler scheduler.job']);
    expect(job.enter(stage.state, NOW)).toMatchObject([{ message: { body: { waits: null } } }]);
  });

  it('is kept as held, and is not among those that the scheduler reads', async () => {
    const stage = on();
    stage.hear(hold());
    const store = memoryStore();
    store.keep(keeping, `/jobs/${ID}`, stage.state);
    const load = schedulerTasks(store as never, async () => {}).load({ after: '' }, {} as never);
    expect(await load).toEqual({ jobs: [], next: '' });
    const { head } = keeping.split(stage.state) as { head: object };
    expect(keeping.decode('head', keeping.encode('head', head))).toMatchObject({
      hold: { by: 'ann', isOperators: false, since: NOW },
    });
  });

  it('stands where it stood once it is released', () => {
    const stage = on();
    stage.hear(hold(), 1);
    expect(stage.hear(release(), 2)).toMatchObject({ phase: 'queued', moved: true });
    expect(waits(stage)).toMatchObject({ attempt: 1, submittedAt: NOW });
    expect(row(stage.state, 'no node is up').details).toBe('no node is up');
    expect(stage.hear(placed).phase).toBe('placing');
    // What is not held is not held, in any phase.
    expect(stage.hear(release())).toMatchObject({ moved: false, effects: [REPLY] });
  });

  it('is released by operators only if one holds it, also if its owner held it before', () => {
    const stage = on();
    stage.hears(hold(), hold(OPERATOR));
    expect(row(stage.state).details).toBe(`held by operator root since ${since}`);
    expect(stage.hear(hold(), 5)).toMatchObject({ moved: false, effects: [REPLY] });
    expect(stage.hear(release())).toEqual({
      phase: 'queued',
      moved: false,
      effects: [
        `refuse 7 forbidden: job ${ID} is held by an operator, and only operators release it`,
      ],
    });
    expect(stage.hear(release(OPERATOR)).moved).toBe(true);
    expect(stage.state.hold).toBeNull();
  });

  it('may be held from its beginning', () => {
    const stage = on(aJob({}, { hold: true }));
    expect(job.enter(stage.state, NOW)).toMatchObject([{ message: { body: { waits: null } } }]);
    stage.hear(release());
    expect(waits(stage)).not.toBeNull();
  });

  it('can be cancelled, and is not held in another run', () => {
    const stage = on();
    stage.hears(hold(), told('job.cancel', { id: ID }, 8, ANN));
    expect(stage.state).toMatchObject({ cancelled: true, hold: null });
  });

  it.each(['job.hold', 'job.release', 'job.update'] as const)('is not %s by others', (name) => {
    const stage = on();
    const before = stage.state;
    expect(stage.hear(told(name, { id: ID }, 7, BEN)).effects).toEqual([
      `refuse 7 forbidden: job ${ID} belongs to somebody else`,
    ]);
    expect(stage.state).toBe(before);
  });

  it.each(['job.hold', 'job.update'] as const)('hears %s only while it waits', (name) => {
    const stage = on(liveJob('running'));
    expect(stage.hear(told(name, { id: ID }, 7, ANN)).effects).toEqual([
      `refuse 7 wrong_phase: job ${ID}: it does not wait for a place`,
    ]);
    stage.state = aJob({ phase: 'ended', remains: 'key' });
    expect(stage.hear(told(name, { id: ID }, 7, ANN)).effects).toEqual([
      `refuse 7 not_found: no job ${ID}`,
    ]);
  });
});

describe('a job that asks for something else', () => {
  const update = (change: object) => told('job.update', { id: ID, ...change }, 7, ANN);

  it('has the scheduler told, and keeps all else', () => {
    const stage = on(aJob({}, { name: 'first', cpus: 2, walltimeMs: 9_000 }));
    expect(stage.hear(update({ priority: 5 }))).toEqual({
      phase: 'queued',
      moved: true,
      effects: [REPLY, 'tell /scheduler scheduler.job'],
    });
    expect(waits(stage)?.spec).toEqual({ ...aJob().spec, ...stage.state.spec, priority: 5 });
    stage.hear(update({ name: 'second', walltimeMs: 60_000 }));
    const { name, cpus, priority, walltimeMs } = stage.state.spec;
    expect([name, cpus, priority, walltimeMs]).toEqual(['second', 2, 5, 60_000]);
    expect(stage.state.timeline.at(-1)?.what).toBe('updated: walltimeMs 60000, name second');
  });

  it('is as it was if nothing else is asked, and stays held', () => {
    const stage = on();
    const before = stage.state;
    for (const same of [{}, { priority: 0 }, { cpus: 9 }])
      expect(stage.hear(update(same))).toMatchObject({ moved: false, effects: [REPLY] });
    expect(stage.state).toBe(before);
    stage.hears(hold(), update({ priority: -1 }));
    expect(waits(stage)).toBeNull();
  });
});
