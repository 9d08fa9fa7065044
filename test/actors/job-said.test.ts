import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { answered, NOW, Stage, told } from './stage.ts';
import {
  ANN,
  aJob,
  BEN,
  clusterNews,
  ID,
  liveJob,
  OPERATOR,
  onMade,
  onNodes,
  over,
  report,
  submitted,
} from './things.ts';

const ended = { state: 'F', exitcode: 0, signal: 0, failure: null } as const;
const STOP = [`ask n1/runners/${ID}.1.0 runner.stop (stop/0)`, 'after 5000 again'];
const KILL = [...STOP, 'after 60000 late'];
const LEAVE = ['ask /clusters/here cluster.unclaim (unclaim)'];
const FORGET = ['tell /scheduler scheduler.job', 'after 0 late'];
const placed = { placement: onNodes('n1') };

/** A job in each phase. */
const jobs: Readonly<Record<string, Job>> = {
  queued: aJob(),
  placing: aJob({ phase: 'placing', ...placed }),
  provisioning: aJob({ phase: 'provisioning', ...placed }),
  staging: liveJob('staging'),
  starting: liveJob('starting'),
  running: liveJob('running'),
  collecting: liveJob('collecting'),
  'releasing to its end': aJob({ phase: 'releasing', ...placed, outcome: ended }),
  'releasing to try again': aJob({ phase: 'releasing', ...placed, again: 'attempt' }),
  'releasing to run again': aJob({ phase: 'releasing', ...placed, again: 'run', outcome: ended }),
  ended: aJob({ phase: 'ended', outcome: ended }),
};
const names = Object.keys(jobs);
const on = (name: string) => new Stage<Job>(job, jobs[name] as Job);
const wrong = (text: string) => [`refuse 7 wrong_phase: job ${ID}: ${text}`];

describe('cancel', () => {
  const ok = (phase: string) => [`reply 7 {"id":"${ID}","phase":"${phase}"}`];
  const rows: Readonly<Record<string, readonly [phase: string, effects: readonly string[]]>> = {
    queued: ['releasing', [...ok('releasing'), ...FORGET]],
    placing: ['releasing', [...ok('releasing'), ...LEAVE]],
    provisioning: ['releasing', [...ok('releasing'), ...LEAVE]],
    staging: ['staging', [...ok('staging'), ...KILL]],
    starting: ['starting', [...ok('starting'), ...KILL]],
    running: ['running', [...ok('running'), ...KILL]],
    collecting: ['collecting', [...ok('collecting'), ...KILL]],
    'releasing to its end': ['releasing', ok('releasing')],
    'releasing to try again': ['releasing', ok('releasing')],
    'releasing to run again': ['releasing', ok('releasing')],
    ended: ['ended', wrong('it has ended already')],
  };

  it.each(names)('of a job that is %s', (name) => {
    const stage = on(name);
    const [phase, effects] = rows[name] ?? [];
    const shown = stage.hear(told('job.cancel', { id: ID }, 7, ANN));
    expect([shown.phase, shown.effects]).toEqual([phase, effects]);
  });

  it.each(names.filter((name) => name !== 'ended'))(
    'of a job that is %s leads to its end, and to no other attempt',
    (name) => {
      const stage = on(name);
      stage.hear(told('job.cancel', { id: ID }, 7, ANN));
      if (stage.state.phase !== 'releasing')
        stage.hear(told('job.report', over({ stopped: true })));
      expect(stage.state.phase).toBe('releasing');
      const out = stage.state.placement
        ? answered('cluster.unclaim', { gone: true }, 'unclaim')
        : { is: 'late' };
      expect(stage.hear(out).phase).toBe('ended');
      const hadEnded = jobs[name]?.outcome !== null;
      expect(stage.state.outcome?.state).toBe(hadEnded ? 'F' : 'C');
    },
  );

  it('twice is answered twice, and kills once', () => {
    const stage = on('running');
    stage.hear(told('job.cancel', { id: ID }, 7, ANN));
    expect(stage.hear(told('job.cancel', { id: ID }, 8, ANN))).toEqual({
      phase: 'running',
      moved: false,
      effects: [`reply 8 {"id":"${ID}","phase":"running"}`],
    });
  });

  it('wins over a requeue that came before it, and a requeue after it is refused', () => {
    const stage = on('running');
    stage.hear(told('job.requeue', { id: ID }, 6, ANN));
    stage.hear(told('job.cancel', { id: ID }, 7, ANN));
    expect(stage.hear(told('job.requeue', { id: ID }, 8, ANN)).effects).toEqual([
      `refuse 8 wrong_phase: job ${ID}: it is being cancelled; requeue it once it has ended`,
    ]);
    stage.hear(told('job.report', over({ stopped: true })));
    expect(stage.state).toMatchObject({ again: 'no', outcome: { state: 'C' } });
  });
});

describe('requeue', () => {
  const ok = (run: number) => [`reply 7 {"id":"${ID}","run":${run}}`];
  const WAIT = ['tell /scheduler scheduler.job'];
  const rows: Readonly<Record<string, readonly [phase: string, effects: readonly string[]]>> = {
    queued: ['queued', ok(1)],
    placing: ['releasing', [...ok(1), ...LEAVE]],
    provisioning: ['releasing', [...ok(1), ...LEAVE]],
    staging: ['staging', [...ok(1), ...KILL]],
    starting: ['starting', [...ok(1), ...KILL]],
    running: ['running', [...ok(1), ...KILL]],
    collecting: ['collecting', [...ok(1), ...KILL]],
    'releasing to its end': ['releasing', ok(2)],
    'releasing to try again': ['releasing', ok(1)],
    'releasing to run again': ['releasing', ok(2)],
    ended: ['queued', [...ok(2), ...WAIT]],
  };

  it.each(names)('of a job that is %s', (name) => {
    const stage = on(name);
    const [phase, effects] = rows[name] ?? [];
    const shown = stage.hear(told('job.requeue', { id: ID }, 7, ANN));
    expect([shown.phase, shown.effects]).toEqual([phase, effects]);
  });

  it.each(names)('of a job that is %s queues it once, under another attempt', (name) => {
    const stage = on(name);
    stage.hear(told('job.requeue', { id: ID }, 7, ANN));
    if (['staging', 'starting', 'running', 'collecting'].includes(stage.state.phase))
      stage.hear(told('job.report', over({ stopped: true })));
    if (stage.state.phase === 'releasing')
      stage.hear(answered('cluster.unclaim', { gone: true }, 'unclaim'));
    expect(stage.state).toMatchObject({ phase: 'queued', attempt: name === 'queued' ? 1 : 2 });
    expect(stage.state).toMatchObject({ again: 'no', outcome: null, stop: null, placement: null });
  });

  it('keeps how the run before ended, with its logs', () => {
    const stage = new Stage<Job>(
      job,
      aJob({ phase: 'ended', outcome: ended, reports: [over()], startedAt: NOW, endedAt: NOW + 5 }),
    );
    stage.hear(told('job.requeue', { id: ID }, 7, ANN));
    const logs = { stdout: over().collected?.stdout, stderr: over().collected?.stderr };
    expect(stage.state.runs).toEqual([
      { run: 1, attempt: 1, outcome: ended, startedAt: NOW, endedAt: NOW + 5, cost: 0, ...logs },
    ]);
    expect(stage.state).toMatchObject({ run: 2, attempt: 2, firstAttempt: 2, reports: [] });
  });
});

describe('purge', () => {
  const purge = (change: object = {}, who: Parameters<typeof told>[3] = ANN) =>
    told('job.purge', { id: ID, ...change }, 7, who);
  const reply = [`reply 7 {"id":"${ID}"}`];

  it.each(names.filter((name) => name !== 'ended'))('is refused to a job that is %s', (name) => {
    const stage = on(name);
    expect(stage.hear(purge()).effects).toEqual(wrong('it has not ended; cancel it first'));
  });

  it('leaves the key, which answers as before, and nothing else', () => {
    const stage = on('ended');
    expect(stage.hear(purge())).toEqual({ phase: 'ended', moved: false, effects: reply });
    expect(stage.state).toMatchObject({ remains: 'key', script: '', reports: [], timeline: [] });
    expect(stage.hear(told('job.create', submitted(), 8)).effects).toEqual([
      `reply 8 {"id":"${ID}"}`,
    ]);
    const other = { ...submitted(), digest: 'd2' };
    expect(stage.hear(told('job.create', other, 9)).effects).toEqual([
      `refuse 9 key_reused: this key has made job ${ID} of another request`,
    ]);
    expect(stage.hear(told('job.requeue', { id: ID }, 10, ANN)).effects).toEqual([
      `refuse 10 not_found: no job ${ID}`,
    ]);
  });

  it('is for what is old enough, when nobody asked for it', () => {
    const local = { door: 'local', id: '/housekeeper' } as const;
    const stage = on('ended');
    stage.hear(purge({ before: NOW }, local));
    expect(stage.state.remains).toBe('all');
    stage.hear(purge({ before: NOW + 1 }, local), 5_000);
    expect(stage.state).toMatchObject({ remains: 'key', since: NOW + 5_000 });
    stage.hear(purge({ before: NOW + 5_000 }, local), 6_000);
    expect(stage.state.remains).toBe('key');
    stage.hear(purge({ before: NOW + 5_001 }, local), 7_000);
    expect(stage.state.remains).toBe('nothing');
    expect(stage.hear(purge()).effects).toEqual([`refuse 7 not_found: no job ${ID}`]);
  });

  it('makes room for a new job of that name, even before its actor has gone', () => {
    const stage = new Stage<Job>(job, aJob({ phase: 'ended', outcome: ended, remains: 'nothing' }));
    expect(stage.hear(told('job.create', { ...submitted(), digest: 'd2' }, 9))).toEqual({
      phase: 'queued',
      moved: true,
      effects: [`reply 9 {"id":"${ID}"}`, 'tell /scheduler scheduler.job'],
    });
    expect(stage.state).toMatchObject({ remains: 'all', attempt: 1, outcome: null });
  });
});

describe('a stranger', () => {
  it.each(['job.cancel', 'job.requeue', 'job.purge'] as const)('may not %s', (name) => {
    const stage = on('running');
    const before = stage.state;
    for (const who of [BEN, { door: 'worker', id: 'n1' } as const])
      expect(stage.hear(told(name, { id: ID }, 7, who)).effects).toEqual([
        `refuse 7 forbidden: job ${ID} belongs to somebody else`,
      ]);
    expect(stage.state).toBe(before);
  });

  it('may if it is an operator', () => {
    expect(on('running').hear(told('job.cancel', { id: ID }, 7, OPERATOR)).moved).toBe(true);
  });
});

describe('what comes at the wrong time', () => {
  it.each(names.filter((name) => name !== 'queued'))(
    'a place for a job that is %s: the scheduler hears that it waits no more',
    (name) => {
      const stage = on(name);
      const place = told('job.place', { id: ID, attempt: 1, placement: onNodes('n9') });
      expect(stage.hear(place)).toMatchObject({
        moved: false,
        effects: ['tell /scheduler scheduler.job'],
      });
      expect(stage.sent('scheduler.job').waits).toBe(null);
    },
  );

  it('a place for another attempt: the scheduler hears which one waits', () => {
    const stage = on('queued');
    const place = told('job.place', { id: ID, attempt: 4, placement: onNodes('n9') });
    expect(stage.hear(place)).toMatchObject({ phase: 'queued', moved: false });
    expect(stage.sent('scheduler.job').waits).toMatchObject({ attempt: 1 });
  });

  it('news of a hold that was left behind: it is given back', () => {
    const stage = new Stage<Job>(job, aJob({ attempt: 3 }));
    const news = clusterNews(onMade(), 'up', { attempt: 2 });
    expect(stage.hear(told('job.cluster', news))).toEqual({
      phase: 'queued',
      moved: false,
      effects: ['tell /clusters/swm-0197f3a2 cluster.unclaim'],
    });
    expect(stage.sent('cluster.unclaim')).toMatchObject({ attempt: 2 });
    expect(stage.hear(told('job.cluster', { ...news, phase: 'gone' })).effects).toEqual([]);
    expect(stage.hear(told('job.cluster', { ...news, attempt: 4 })).effects).toEqual([]);
  });

  it('news of its own hold, when it has ended', () => {
    const news = told('job.cluster', clusterNews(onNodes('n1'), 'up'));
    expect(on('ended').hear(news).effects).toEqual(['tell /clusters/here cluster.unclaim']);
  });

  it('a report of a job that waits: its process is ended', () => {
    const local = report({ attempt: 1 });
    const stage = new Stage<Job>(job, aJob({ attempt: 2 }));
    expect(stage.hear(told('job.report', local)).effects).toEqual([
      `tell n1/runners/${ID}.1.0 runner.stop`,
    ]);
    expect(stage.sent('runner.stop')).toMatchObject({ failure: null, attempt: 1, rank: 0 });
  });

  it('another request under its key', () => {
    const stage = on('running');
    expect(stage.hear(told('job.create', submitted(), 7)).effects).toEqual([
      `reply 7 {"id":"${ID}"}`,
    ]);
    const other = { ...submitted(), digest: 'd2' };
    expect(stage.hear(told('job.create', other, 8)).effects).toEqual([
      `refuse 8 key_reused: this key has made job ${ID} of another request`,
    ]);
  });

  it('an answer that nobody waits for', () => {
    for (const name of names) {
      const stage = on(name);
      const { phase } = stage.state;
      if (phase === 'placing' || phase === 'releasing') continue;
      const late = stage.hear(answered('runner.order', {}, 'order/0'));
      expect(late).toEqual({ phase, moved: false, effects: [] });
    }
  });
});
