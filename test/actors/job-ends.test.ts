import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { type Code, failure } from '../../src/protocol/errors.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { NOW, Stage, told, unanswered } from './stage.ts';
import {
  aJob,
  clusterNews,
  exit,
  ID,
  liveJob,
  onMade,
  onNodes,
  over,
  report,
  worker,
} from './things.ts';

const stop = { failure: null, since: NOW };
const outcomeOf = ({ state }: Stage<Job>) =>
  state.outcome && [state.outcome.state, state.outcome.failure?.code];

/** How a run ends by the last report of its only node. */
const ends: readonly (readonly [
  name: string,
  last: Parameters<typeof over>[0],
  outcome: readonly [state: string, code: Code | undefined] | null,
])[] = [
  ['exit code 0', {}, ['F', undefined]],
  ['another exit code', { exit: exit({ code: 3 }) }, ['F', undefined]],
  ['a signal', { exit: exit({ signal: 9 }) }, ['E', 'killed']],
  ['too much memory', { exit: exit({ signal: 9, outOfMemory: true }) }, ['E', 'out_of_memory']],
  ['a process that nobody knows of', { exit: exit({ lost: true }) }, ['E', 'lost']],
  ['its walltime', { failure: failure('over_walltime', '') }, ['E', 'over_walltime']],
  ['a start that is refused for good', { failure: failure('no_user', '') }, ['E', 'no_user']],
  ['a start that failed by chance', { failure: failure('start_failed', '', true) }, null],
  ['files that could not be brought', { failure: failure('unreachable', '') }, null],
];

describe('an attempt that is over', () => {
  it.each(ends)('by %s', (_, last, outcome) => {
    const stage = new Stage<Job>(job, liveJob('running'));
    stage.hear(told('job.report', over(last)));
    expect(stage.state.phase).toBe('releasing');
    expect(outcomeOf(stage)).toEqual(outcome);
    expect(stage.state.again).toBe(outcome === null ? 'attempt' : 'no');
  });

  it.each(ends.filter(([, , outcome]) => outcome === null))(
    'by %s is tried three times in all',
    (_, last) => {
      const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { attempt: 3 }));
      stage.hear(told('job.report', over({ ...last, attempt: 3 })));
      expect(stage.state).toMatchObject({ again: 'no', outcome: { state: 'E' } });
    },
  );

  const tries: readonly (readonly [attempt: number, asked: Partial<Spec>, again: string])[] = [
    [1, { retries: 2 }, 'attempt'],
    [2, { retries: 2 }, 'attempt'],
    [3, { retries: 2 }, 'no'],
    [1, {}, 'no'],
  ];
  it.each(tries)('by a bad exit in attempt %i, of %j: again %s', (attempt, asked, again) => {
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { attempt }, asked));
    stage.hear(told('job.report', over({ attempt, exit: exit({ code: 1 }) })));
    expect(stage.state.again).toBe(again);
    expect(outcomeOf(stage)).toEqual(again === 'no' ? ['F', undefined] : null);
  });

  it('counts attempts from the first of its run', () => {
    const third = { attempt: 9, firstAttempt: 8, run: 4 };
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), third, { retries: 2 }));
    stage.hear(told('job.report', over({ attempt: 9, exit: exit({ code: 1 }) })));
    expect(stage.state.again).toBe('attempt');
  });
});

describe('what takes too long', () => {
  it('is ended by the head when its worker did not do so, by the head’s own clock', () => {
    const state = liveJob(
      'running',
      onNodes('n1'),
      { startedAt: NOW - 3_600_000, since: NOW, reports: [report()] },
      { walltimeMs: 60_000 },
    );
    const stage = new Stage<Job>(job, state);
    expect(stage.entered()).toEqual(['after 5000 again', 'after 95000 late']);
    expect(stage.hear({ is: 'late' }, 95_000)).toEqual({
      phase: 'running',
      moved: true,
      effects: [
        `ask n1/runners/${ID}.1.0 runner.stop (stop/0)`,
        'after 5000 again',
        'after 60000 late',
      ],
    });
    expect(stage.state.stop?.failure?.code).toBe('over_walltime');
  });

  it('to end on a machine of ours loses the machine; on another it is tried for ever', () => {
    const made = new Stage<Job>(job, liveJob('running', onMade(), { stop, cancelled: true }));
    expect(made.hear({ is: 'late' }, 60_000)).toEqual({
      phase: 'releasing',
      moved: true,
      effects: ['ask /clusters/swm-0197f3a2 cluster.unclaim (unclaim)'],
    });
    expect(outcomeOf(made)).toEqual(['C', undefined]);
    const given = new Stage<Job>(job, liveJob('running', onNodes('n1'), { stop, cancelled: true }));
    expect(given.hear({ is: 'late' }, 60_000)).toEqual({
      phase: 'running',
      moved: true,
      effects: [
        `ask n1/runners/${ID}.1.0 runner.stop (stop/0)`,
        'after 5000 again',
        'after 60000 late',
      ],
    });
  });
});

describe('an order', () => {
  it('that its worker will never take ends the attempt; one that was lost is given again', () => {
    const stage = new Stage<Job>(job, liveJob('staging'));
    const lost = unanswered(failure('unreachable', 'no link'), 'order/0');
    expect(stage.hear(lost)).toEqual({ phase: 'staging', moved: false, effects: [] });
    const never = unanswered(failure('too_large', 'more than a frame'), 'order/0');
    expect(stage.hear(never)).toMatchObject({ phase: 'staging', moved: true });
    expect(stage.state.stop?.failure?.code).toBe('too_large');
    const stopped = unanswered(failure('wrong_phase', ''), 'stop/0');
    expect(stage.hear(stopped)).toEqual({ phase: 'staging', moved: false, effects: [] });
  });
});

describe('a site', () => {
  const refused = (code: 'quota' | 'boot_failed' | 'impossible') =>
    told('job.cluster', clusterNews(onMade(), 'releasing', { failure: failure(code, 'no') }));
  const waiting = () => new Stage<Job>(job, aJob({ phase: 'provisioning', placement: onMade() }));

  it('that is full costs the job no attempt', () => {
    const stage = waiting();
    expect(stage.hear(refused('quota')).phase).toBe('releasing');
    // It may go elsewhere at once: what refused it is known, and passed over.
    expect(stage.state).toMatchObject({ again: 'attempt', firstAttempt: 2, refusals: 0 });
    expect(stage.state.timeline.map(({ what }) => what)).toEqual([
      'queued',
      'small at cloud: no',
      'releasing',
    ]);
  });

  it('that fails to boot costs one, and one that cannot do it ends it', () => {
    const booted = waiting();
    booted.hear(refused('boot_failed'));
    expect(booted.state).toMatchObject({ again: 'attempt', firstAttempt: 1 });
    const never = waiting();
    never.hear(refused('impossible'));
    expect(outcomeOf(never)).toEqual(['E', 'impossible']);
  });
});

describe('a report', () => {
  it('of another attempt ends that one, wherever it runs', () => {
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n2'), { attempt: 2 }));
    const old = told('job.report', report(), 0, worker('n1'));
    expect(stage.hear(old)).toEqual({
      phase: 'running',
      moved: false,
      effects: [`tell n1/runners/${ID}.1.0 runner.stop`],
    });
    const end = told('job.report', over(), 0, worker('n1'));
    expect(stage.hear(end).effects).toEqual([`tell n1/runners/${ID}.1.0 runner.taken`]);
  });

  it('of the future, of a node it was not placed on, or by somebody else, is no report', () => {
    const stage = new Stage<Job>(job, liveJob('running'));
    const none = { phase: 'running', moved: false, effects: [] };
    expect(stage.hear(told('job.report', over({ attempt: 2 })))).toEqual(none);
    expect(stage.hear(told('job.report', over({ node: 'n7' })))).toEqual(none);
    expect(stage.hear(told('job.report', over(), 0, worker('n7')))).toEqual(none);
    const past = told('job.report', over({ attempt: 0 }), 0, worker('n7'));
    expect(stage.hear(past)).toEqual(none);
  });

  it('that was taken is acknowledged again, and changes nothing', () => {
    const reports = [report({ seq: 5 })];
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { reports }));
    const before = stage.state;
    expect(stage.hear(told('job.report', report({ seq: 4, phase: 'staging' })))).toEqual({
      phase: 'running',
      moved: false,
      effects: [`tell n1/runners/${ID}.1.0 runner.taken`],
    });
    expect(stage.state).toBe(before);
  });

  it('never leads back', () => {
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { reports: [report()] }));
    stage.hear(told('job.report', report({ seq: 2, phase: 'staged' })));
    expect(stage.state.phase).toBe('running');
  });
});

describe('a job whose cluster may stay', () => {
  const keep = { keepResources: true };
  const released = (placement = onMade(), change: Partial<Job> = {}, asked = keep) => {
    const job1 = { phase: 'releasing', placement, ordered: true, ...change } as const;
    const stage = new Stage<Job>(job, aJob({ reports: [over()], ...job1 }, asked));
    stage.hear({ is: 'again' });
    return stage.sent('cluster.unclaim').keep;
  };

  it('says so only if its workers say that nothing of it is left', () => {
    expect(released()).toBe(true);
    expect(released(onMade(), { ordered: false, reports: [] })).toBe(true);
    expect(released(onMade(2), { reports: [over(), report()] })).toBeUndefined();
    expect(released(onMade(2), { reports: [over(), null] })).toBeUndefined();
    // Its lease is over, and so is the attempt; but nobody there has said so.
    expect(released(onMade(), { reports: [over({ seq: 2 ** 40 })] })).toBeUndefined();
    expect(released(onNodes('n1'))).toBeUndefined();
    expect(released(onMade(), {}, { keepResources: false })).toBeUndefined();
  });
});
