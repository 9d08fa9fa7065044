import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import { countJobs } from '../../src/actors/job/counts.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping, LIVE } from '../../src/actors/job/keeping.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { JobChange } from '../../src/protocol/job-change.ts';
import { memoryStore } from './memory.ts';
import { answered, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, clusterNews, exit, ID, onNodes, over, report, submitted } from './things.ts';

const HERALD = `ask /heralds/${ID} herald.tell (changes)`;
const asks = { notify: 'https://hooks.example.org/' };
const born = (spec: object = asks) => new Stage<Job>(job, job.init(submitted(spec), NOW) as Job);
const place = told('job.place', { id: ID, attempt: 1, placement: onNodes('n1') });
const claimed = answered('cluster.claim', {}, 'claim');
const up = told('job.cluster', clusterNews(onNodes('n1'), 'up'));
const reported = (...change: Parameters<typeof report>) =>
  told('job.report', report(...change), 0, { door: 'worker', id: 'n1' });
const gone = answered('cluster.unclaim', { gone: true }, 'unclaim');
const taken = (seq: number) => answered('herald.tell', { seq }, 'changes');
const untold = ({ state }: Stage<Job>): readonly JobChange[] => state.changes?.untold ?? [];
const letters = (stage: Stage<Job>) => untold(stage).map(({ seq, state }) => `${seq}${state}`);

describe('a job that says notify', () => {
  it('has its herald told of each letter, with all that it does not know yet', () => {
    const stage = born();
    expect(stage.entered()).toEqual(['tell /scheduler scheduler.job', HERALD]);
    expect(letters(stage)).toEqual(['1Q']);
    // The letter is the same, but the herald has not answered.
    expect(stage.hear(place).effects.at(-1)).toBe(HERALD);
    expect(stage.hear(claimed).effects.at(-1)).toBe(HERALD);
    expect(letters(stage)).toEqual(['1Q', '2W']);
    expect(stage.sent('herald.tell')).toEqual({
      job: ID,
      url: asks.notify,
      changes: untold(stage),
    });
    expect(stage.hear(taken(1))).toMatchObject({ moved: false, effects: [] });
    stage.hears(up, reported({ phase: 'starting', seq: 2 }), reported({ seq: 3 }));
    expect(letters(stage)).toEqual(['2W', '3T', '4W', '5R']);
    stage.hear(taken(5));
    const ended = exit({ code: 3 });
    stage.hear(reported({ phase: 'collecting', seq: 4, exit: ended }));
    stage.hear(reported(over({ exit: ended })));
    expect(letters(stage)).toEqual(['6T', '7F']);
    expect(untold(stage).at(-1)).toMatchObject({ phase: 'releasing', exitcode: 3, name: '' });
    // The end shows nothing new.
    stage.hear(taken(7));
    expect(stage.hear(gone)).toEqual({ phase: 'ended', moved: true, effects: [] });
    stage.hear(told('job.requeue', { id: ID }, 7, ANN));
    expect(letters(stage)).toEqual(['8Q']);
  });

  it('asks again, in whatever phase, and takes no answer for that of its cluster', () => {
    const stage = born();
    const down = unanswered(failure('timeout', 'no answer'), 'changes');
    stage.hears(place);
    expect(stage.hear(down)).toEqual({
      phase: 'placing',
      moved: false,
      effects: ['after 1000 untold'],
    });
    expect(stage.hear({ is: 'untold' }).effects).toEqual([HERALD]);
    expect(stage.hear(taken(1))).toEqual({ phase: 'placing', moved: false, effects: [] });
    expect(stage.hear({ is: 'untold' }).effects).toEqual([]);
  });

  it('tells a change that comes within a phase at once', () => {
    const stage = born();
    stage.hears(place, claimed, told('job.cancel', { id: ID }, 7, ANN));
    expect(stage.state).toMatchObject({ phase: 'releasing' });
    stage.state = {
      ...stage.state,
      cancelled: false,
      outcome: null,
      changes: { seq: 5, untold: [] },
    };
    const shown = stage.hear(told('job.cancel', { id: ID }, 7, ANN));
    expect(shown).toMatchObject({ phase: 'releasing', moved: false });
    expect(shown.effects.at(-1)).toBe(HERALD);
    expect(letters(stage)).toEqual(['6C']);
  });

  it('lives until its herald has the last of it, is counted once, and is kept', () => {
    const stage = born();
    const store = memoryStore();
    const index = () => keeping.index(stage.state, `/jobs/${ID}`);
    expect(index()).toContain(LIVE);
    store.keep(keeping, `/jobs/${ID}`, stage.state);
    const counting = countJobs(store, 10);
    let step = counting.next();
    while (!step.done) step = counting.next();
    expect([...step.value.phases]).toEqual([
      ['queued', 1],
      ['ended', 0],
    ]);
    const { head } = keeping.split(stage.state) as { head: object };
    expect(keeping.decode('head', keeping.encode('head', head))).toMatchObject({
      changes: stage.state.changes,
    });
    stage.hear(taken(1));
    expect(index()).not.toContain(LIVE);
  });

  it('tells nothing once it is purged, and counts on if its key makes it anew', () => {
    const stage = born();
    stage.hears(told('job.cancel', { id: ID }, 7, ANN), { is: 'late' });
    expect(stage.state.phase).toBe('ended');
    expect(letters(stage)).toEqual(['1Q', '2C']);
    stage.hear(told('job.purge', { id: ID }, 7, ANN));
    expect(letters(stage)).toEqual([]);
    stage.hear(told('job.purge', { id: ID, before: NOW + 1 }, 7));
    expect(stage.state.remains).toBe('nothing');
    stage.hear(told('job.create', submitted(asks), 8));
    expect(letters(stage)).toEqual(['3Q']);
  });

  it('is the only one that does', () => {
    const stage = born({});
    stage.hears(place, claimed);
    expect(stage.state.changes).toBeNull();
    expect(stage.entered().join()).not.toContain('herald');
  });
});
