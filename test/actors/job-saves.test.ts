import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { view } from '../../src/actors/job/view.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Placement, Spec } from '../../src/protocol/model.ts';
import { answered, NOW, Stage, told } from './stage.ts';
import {
  ANN,
  BEN,
  clusterNews,
  exit,
  ID,
  liveJob,
  onMade,
  onNodes,
  over,
  report,
} from './things.ts';

const file = { path: 'checkpoint/a', sha256: 'c'.repeat(64), bytes: 3, mode: 0o600 };
const made = (at: number, attempt = 1) => ({ at, attempt, files: [file] });
const SAVES: Partial<Spec> = { checkpoint: true };
const STOP = `ask n1/runners/${ID}.1.0 runner.stop (stop/0)`;
const on = (state: Job) => new Stage<Job>(job, state);
const runs = (placement: Placement = onNodes('n1'), change: Partial<Job> = {}, asked = SAVES) =>
  on(
    liveJob(
      'running',
      placement,
      {
        reports: placement.nodes.map((node, rank) => report({ node, rank })),
        ...change,
      },
      asked,
    ),
  );
const drained = (how: 'keep' | 'requeue', placement = onNodes('n1')): Body<'job.cluster'> => {
  const news = clusterNews(placement, 'up');
  return { ...news, nodes: news.nodes.map((node) => ({ ...node, drained: how })) };
};
/** Until it waits again. */
const released = (stage: Stage<Job>) =>
  stage.hears(
    told('job.report', over({ seq: 9, stopped: true })),
    answered('cluster.unclaim', { gone: true }),
  );

const ordersOf = (state: Job) =>
  job
    .enter(state, NOW)
    .flatMap((effect) =>
      effect.do === 'ask' && effect.message.name === 'runner.order' ? [effect.message.body] : [],
    );

describe('a job that saves itself', () => {
  it('keeps the last of what its main rank has saved, and shows it', () => {
    const stage = runs(onNodes('n1', 'n2'));
    stage.hear(told('job.report', report({ seq: 2, checkpoint: made(NOW) })));
    const other = report({ rank: 1, node: 'n2', seq: 2, checkpoint: made(NOW + 5) });
    stage.hear(told('job.report', other));
    expect(stage.state.checkpoint).toEqual(made(NOW));
    // What is said again, or late, changes nothing; nor whom the worker says that it is of.
    stage.hear(told('job.report', report({ seq: 1, checkpoint: made(NOW - 9) })));
    expect(stage.state.checkpoint).toEqual(made(NOW));
    stage.hear(told('job.report', report({ seq: 3, checkpoint: made(NOW + 9, 7) })));
    expect(stage.state.checkpoint).toEqual(made(NOW + 9));
    // Once is enough in a record.
    expect(stage.state.reports[0]).not.toHaveProperty('checkpoint');
    expect(view(stage.state, NOW).checkpoint).toEqual(made(NOW + 9));
  });

  it('goes on from it, and only the main rank gets the files', () => {
    const placement = onNodes('n1', 'n2');
    const checkpoint = made(NOW);
    const again = liveJob('staging', placement, { attempt: 2, checkpoint }, SAVES);
    const stage = on({ ...again, cluster: clusterNews(placement, 'up', { attempt: 2 }) });
    expect(ordersOf(stage.state).map((order) => order.checkpoint)).toEqual([
      checkpoint,
      { ...checkpoint, files: [] },
    ]);
    const [first] = ordersOf({ ...stage.state, checkpoint: null });
    expect(first).not.toHaveProperty('checkpoint');
  });

  it.each(['job.cancel', 'job.requeue'] as const)('is given time by %s', (name) => {
    const stage = runs();
    const { effects } = stage.hear(told(name, { id: ID }, 3, ANN));
    expect(effects.slice(1)).toEqual([STOP, 'after 5000 again', 'after 90000 late']);
    expect(stage.sent('runner.stop')).toMatchObject({ saveMs: 30_000 });
    const plain = runs(onNodes('n1'), {}, {});
    plain.hear(told(name, { id: ID }, 3, ANN));
    expect(plain.sent('runner.stop')).not.toHaveProperty('saveMs');
  });

  it('has its other ranks until the main one has saved itself, or cannot be heard', () => {
    const stage = runs(onNodes('n1', 'n2'));
    const stops = (effects: readonly string[]) => effects.filter((e) => e.includes('runner.stop'));
    expect(stops(stage.hear(told('job.requeue', { id: ID }, 3, ANN)).effects)).toEqual([STOP]);
    const other = `ask n2/runners/${ID}.1.1 runner.stop (stop/1)`;
    const waits = stage.state;
    const main = report({ phase: 'collecting', seq: 2, exit: exit() });
    expect(stops(stage.hear(told('job.report', main)).effects)).toEqual([STOP, other]);
    const late = on(waits);
    expect(stops(late.hear({ is: 'late' }, 90_000).effects)).toEqual([STOP, other]);
    expect(late.raw.some((e) => JSON.stringify(e).includes('saveMs'))).toBe(false);
  });

  it('is told to save itself when somebody asks who may', () => {
    const ask = (stage: Stage<Job>, who: typeof ANN | typeof BEN = ANN) =>
      stage.hear(told('job.checkpoint', { id: ID }, 3, who)).effects;
    expect(ask(runs())).toEqual([
      `tell n1/runners/${ID}.1.0 runner.checkpoint`,
      `reply 3 {"id":"${ID}"}`,
    ]);
    expect(ask(runs(), BEN)[0]).toContain('refuse 3 forbidden');
    expect(ask(runs(onNodes('n1'), {}, {}))[0]).toContain('does not say `checkpoint`');
    expect(ask(on(liveJob('staging', onNodes('n1'), {}, SAVES)))[0]).toContain('does not run');
  });

  it.each([
    ['begins anew after a good end', { state: 'F', exitcode: 0 }, null],
    ['goes on after a bad end', { state: 'F', exitcode: 1 }, made(NOW)],
    ['goes on after a cancel', { state: 'C', exitcode: 0 }, made(NOW)],
    ['goes on after its walltime', { state: 'E', exitcode: 0 }, made(NOW)],
  ] as const)('that is requeued %s', (_, end, checkpoint) => {
    const outcome = { ...end, signal: 0, failure: null };
    const ended = { ...liveJob('running'), phase: 'ended' as const, outcome };
    const stage = on({ ...ended, checkpoint: made(NOW) });
    stage.hear(told('job.requeue', { id: ID }, 3, ANN));
    expect(stage.state).toMatchObject({ phase: 'queued', run: 2, checkpoint });
  });

  it('has none left once it is purged', () => {
    const outcome = { state: 'C', exitcode: 0, signal: 0, failure: null } as const;
    const ended = { ...liveJob('running'), phase: 'ended' as const, outcome };
    const stage = on({ ...ended, checkpoint: made(NOW) });
    stage.hear(told('job.purge', { id: ID }, 3, ANN));
    expect(stage.state).toMatchObject({ remains: 'key', checkpoint: null });
  });

  it('may ask for its lease while it saves itself, and not when it is only ended', () => {
    const asked: Partial<Spec> = { ...SAVES, onNodeLoss: 'requeue', leaseMs: 10_000 };
    const lease = told('job.lease', { job: ID, node: 'n1', attempt: 1, rank: 0 }, 4);
    const stage = runs(onNodes('n1'), {}, asked);
    stage.hear(told('job.requeue', { id: ID }, 3, ANN));
    expect(stage.hear(lease).effects).toEqual(['reply 4 {}']);
    const plain = runs(onNodes('n1'), {}, { ...asked, checkpoint: false });
    plain.hear(told('job.requeue', { id: ID }, 3, ANN));
    expect(plain.hear(lease).effects[0]).toContain('refuse 4 wrong_phase');
  });
});

describe('a job whose site takes its machine back', () => {
  const [node = ''] = onMade().nodes;
  const told0 = (change: Partial<Body<'job.cluster'>>, phase: 'up' | 'gone' = 'up') =>
    told('job.cluster', clusterNews(onMade(), phase, change));
  const evicted = told0({ evicted: [node] });
  const ofNode = { reports: [report({ node })] };

  it('saves itself, and runs again elsewhere at no cost', () => {
    const stage = runs(onMade(), ofNode);
    expect(stage.hear(evicted).effects[0]).toBe(
      `ask ${node}/runners/${ID}.1.0 runner.stop (stop/0)`,
    );
    expect(stage.sent('runner.stop')).toMatchObject({
      saveMs: 30_000,
      failure: { code: 'evicted', text: `the site takes node ${node} back` },
    });
    const why = failure('evicted', 'taken');
    const last = over({ node, stopped: true, checkpoint: made(NOW), failure: why });
    expect(stage.hear(told('job.report', last)).phase).toBe('releasing');
    stage.hear(answered('cluster.unclaim', { gone: true }));
    expect(stage.state).toMatchObject({
      phase: 'queued',
      attempt: 2,
      firstAttempt: 2,
      checkpoint: made(NOW),
      outcome: null,
    });
  });

  it('does so as well when all is gone before it heard', () => {
    const stage = runs(onMade(), ofNode);
    stage.hear(told0({ evicted: [node], nodes: [] }, 'gone'));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'attempt', firstAttempt: 2 });
  });

  it('that ran to its end just then has ended', () => {
    const stage = runs(onMade(), ofNode);
    stage.hear(evicted);
    stage.hear(told('job.report', over({ node, failure: failure('evicted', 'taken') })));
    expect(stage.state).toMatchObject({ phase: 'releasing', outcome: { state: 'F' } });
  });

  it('that is bringing its results home goes on with that, and loses nothing but time', () => {
    const reports = [report({ node, phase: 'collecting', exit: exit() })];
    const stage = on(liveJob('collecting', onMade(), { reports }, SAVES));
    expect(stage.hear(evicted)).toEqual({ phase: 'collecting', moved: false, effects: [] });
    stage.hear(told0({ evicted: [node], nodes: [] }, 'gone'));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'attempt', firstAttempt: 2 });
  });

  it('that is cancelled stays so', () => {
    const stage = runs(onMade(), ofNode);
    stage.hear(evicted);
    stage.hear(told('job.cancel', { id: ID }, 3, ANN));
    stage.hear(told('job.report', over({ node, stopped: true })));
    expect(stage.state).toMatchObject({ phase: 'releasing', outcome: { state: 'C' } });
  });

  it('does not mind what is taken of others', () => {
    const stage = runs(onMade(), ofNode);
    expect(stage.hear(told0({ evicted: ['swm-else-0'] })).moved).toBe(false);
    expect(stage.state.stop).toBe(null);
  });
});

describe('a job whose node is drained', () => {
  it('saves itself once, and runs on', () => {
    const stage = runs();
    const news = told('job.cluster', drained('keep'));
    expect(stage.hear(news).effects).toEqual([`tell n1/runners/${ID}.1.0 runner.checkpoint`]);
    expect(stage.hear(news).effects).toEqual([]);
    const plain = runs(onNodes('n1'), {}, {});
    expect(plain.hear(news)).toEqual({ phase: 'running', moved: false, effects: [] });
  });

  it('goes elsewhere if an operator says so, at no cost', () => {
    const stage = runs(onNodes('n1'), { firstAttempt: 1 });
    expect(stage.hear(told('job.cluster', drained('requeue'))).effects[0]).toBe(STOP);
    released(stage);
    expect(stage.state).toMatchObject({ phase: 'queued', attempt: 2, firstAttempt: 2 });
    expect(stage.state.details).toBe('node n1 is drained');
  });

  it('hears of it also if it knew that before it ran', () => {
    const news = drained('requeue');
    const stage = on(liveJob('staging', onNodes('n1'), { cluster: news }, SAVES));
    expect(stage.hear(told('job.cluster', news)).effects[0]).toBe(STOP);
  });
});
