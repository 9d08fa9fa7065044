import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { failure } from '../../src/protocol/errors.ts';
import { answered, done, NOW, Stage, told, unanswered } from './stage.ts';
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
  submitted,
} from './things.ts';

const RUNNER = `/runners/${ID}.1.0`;
const HERE = '/clusters/here';
const MADE = '/clusters/swm-0197f3a2';
const place = (placement = onNodes('n1'), attempt = 1) =>
  told('job.place', { id: ID, attempt, placement });
const reported = (...change: Parameters<typeof report>) =>
  told('job.report', report(...change), 0, { door: 'worker', id: 'n1' });
const heard = (phase: Parameters<typeof clusterNews>[1], placement = onNodes('n1')) =>
  told('job.cluster', clusterNews(placement, phase));
const gone = answered('cluster.unclaim', { gone: true }, 'unclaim');
const start = (change: Partial<Job> = {}) => new Stage<Job>(job, aJob(change));

describe('a job', () => {
  it('goes from its queue to its end, and asks for no more than it needs', () => {
    const { machine } = start();
    const stage = new Stage<Job>(machine, machine.init(submitted(), NOW));
    expect(stage.entered()).toEqual(['tell /scheduler scheduler.job']);
    expect(stage.hear(place())).toEqual({
      phase: 'placing',
      moved: true,
      effects: ['tell /scheduler scheduler.job', `ask ${HERE} cluster.claim (claim)`],
    });
    expect(stage.hear(answered('cluster.claim', {}, 'claim'))).toEqual({
      phase: 'provisioning',
      moved: true,
      effects: [`ask ${HERE} cluster.claim (claim)`, 'after 1200000 late'],
    });
    expect(stage.hear(heard('up'))).toEqual({
      phase: 'staging',
      moved: true,
      effects: [`ask n1${RUNNER} runner.order (order/0)`, 'after 5000 again'],
    });
    expect(stage.hear(reported({ phase: 'starting', seq: 2 }))).toEqual({
      phase: 'starting',
      moved: true,
      effects: [`tell n1${RUNNER} runner.taken`, 'after 5000 again'],
    });
    expect(stage.hear(reported({ seq: 3 }))).toEqual({
      phase: 'running',
      moved: true,
      effects: [`tell n1${RUNNER} runner.taken`, 'after 5000 again'],
    });
    expect(stage.hear(reported({ phase: 'collecting', seq: 4, exit: exit() }))).toEqual({
      phase: 'collecting',
      moved: true,
      effects: [`tell n1${RUNNER} runner.taken`, 'after 5000 again'],
    });
    expect(stage.hear(told('job.report', over()))).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [`tell n1${RUNNER} runner.taken`, `ask ${HERE} cluster.unclaim (unclaim)`],
    });
    expect(stage.hear(gone)).toEqual({ phase: 'ended', moved: true, effects: [] });
    const outcome = { state: 'F', exitcode: 0, signal: 0, failure: null };
    expect(stage.state).toMatchObject({ outcome, endedAt: NOW + 5_000, startedAt: NOW });
    expect(stage.state.timeline.map(({ what }) => what)).toEqual(
      'queued placing provisioning staging starting running collecting releasing ended'.split(' '),
    );
  });

  it('says everything again to who may not have heard it, once every five seconds', () => {
    const ports = [{ port: 8888, protocol: 'tcp', direction: 'in' } as const];
    const state = liveJob('running', onNodes('n1'), { reports: [report()] }, { ports });
    const stage = new Stage<Job>(job, state);
    expect(stage.hear({ is: 'again' }).effects).toEqual([
      'run alias',
      `tell n1${RUNNER} runner.taken`,
      `ask ${HERE} cluster.news (news)`,
      'after 5000 again',
    ]);
    expect(stage.hear(done('alias', '127.77.0.9'))).toEqual({
      phase: 'running',
      moved: true,
      effects: ['run forward', 'after 5000 again'],
    });
    expect(stage.hear(done('forward')).effects).toEqual([]);
  });

  it('never orders again what has reported: a worker without its records must not start it', () => {
    const stage = new Stage<Job>(job, liveJob('staging', onNodes('n1'), { reports: [report()] }));
    expect(stage.entered()).toEqual(['after 5000 again']);
    expect(stage.hear({ is: 'again' }).effects).not.toContainEqual(
      expect.stringContaining('order'),
    );
  });

  it('of more nodes starts the main one first, the others with it, and ends them with it', () => {
    const nodes = onNodes('n1', 'n2');
    const stage = new Stage<Job>(job, liveJob('staging', nodes));
    const rank1 = (seq: number, phase: 'staged' | 'running' | 'over') =>
      told('job.report', report({ node: 'n2', rank: 1, seq, phase }));
    expect(stage.entered()).toEqual([
      `ask n1${RUNNER} runner.order (order/0)`,
      `ask n2/runners/${ID}.1.1 runner.order (order/1)`,
      'after 5000 again',
    ]);
    expect(stage.hear(reported({ phase: 'staged' })).phase).toBe('staging');
    expect(stage.hear(rank1(1, 'staged'))).toEqual({
      phase: 'starting',
      moved: true,
      effects: [
        `tell n2/runners/${ID}.1.1 runner.taken`,
        `tell n1${RUNNER} runner.go`,
        'after 5000 again',
      ],
    });
    expect(stage.hear(reported({ seq: 2 })).effects).toEqual([
      `tell n1${RUNNER} runner.taken`,
      `tell n2/runners/${ID}.1.1 runner.go`,
      'after 5000 again',
    ]);
    expect(stage.hear(rank1(2, 'running')).effects).toEqual([
      `tell n2/runners/${ID}.1.1 runner.taken`,
    ]);
    expect(stage.hear(told('job.report', over())).effects).toEqual([
      `tell n1${RUNNER} runner.taken`,
      `ask n2/runners/${ID}.1.1 runner.stop (stop/1)`,
      'after 5000 again',
    ]);
    const stopped = { node: 'n2', rank: 1, seq: 3, stopped: true, exit: exit({ code: 143 }) };
    expect(stage.hear(told('job.report', over(stopped))).phase).toBe('releasing');
    // What its own end did to the others is no result of the job.
    expect(stage.state.outcome).toMatchObject({ state: 'F', exitcode: 0 });
  });

  it('shows the exit of another node that failed by itself', () => {
    const reports = [over(), null];
    const stage = new Stage<Job>(job, liveJob('collecting', onNodes('n1', 'n2'), { reports }));
    stage.hear(told('job.report', over({ node: 'n2', rank: 1, exit: exit({ code: 7 }) })));
    expect(stage.state).toMatchObject({ phase: 'releasing', outcome: { state: 'F', exitcode: 7 } });
  });

  it('of a cluster to be made waits for it, and tells what the site tells', () => {
    const stage = start({ phase: 'provisioning', placement: onMade() });
    const news = clusterNews(onMade(), 'joining', { detail: 'Partition spawned' });
    expect(stage.hear(told('job.cluster', news))).toMatchObject({ moved: false, effects: [] });
    expect(stage.state.details).toBe('Partition spawned');
    expect(stage.hear({ is: 'again' }).effects).toEqual([`ask ${MADE} cluster.claim (claim)`]);
    expect(stage.hear(unanswered(failure('timeout', 'no answer'), 'claim')).effects).toEqual([
      'after 1000 again',
    ]);
    expect(stage.hear({ is: 'late' })).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [`ask ${MADE} cluster.unclaim (unclaim)`],
    });
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null });
  });

  it('waits until all of its cluster is gone before it goes on, however often it asks', () => {
    const stage = start({ phase: 'releasing', placement: onMade(), again: 'attempt' });
    const no = answered('cluster.unclaim', { gone: false }, 'unclaim');
    expect(stage.hear(no).effects).toEqual(['after 5000 again']);
    expect(stage.hear({ is: 'again' }).effects).toEqual([`ask ${MADE} cluster.unclaim (unclaim)`]);
    expect(stage.hear(unanswered(failure('timeout', ''), 'unclaim')).effects).toEqual([
      'after 5000 again',
    ]);
    stage.hear(heard('releasing', onMade()));
    expect(stage.state).toMatchObject({ phase: 'releasing', details: 'releasing' });
    expect(stage.hear(heard('gone', onMade()))).toEqual({
      phase: 'queued',
      moved: true,
      effects: ['tell /scheduler scheduler.job'],
    });
    expect(stage.state).toMatchObject({ attempt: 2, run: 1, placement: null, reports: [] });
  });
});

describe('a claim', () => {
  it.each(['timeout', 'unreachable', 'bug', 'stopping', 'unknown_outcome', 'busy', 'not_found'])(
    'that was answered by %s may have been kept, and is asked again under the same number',
    (code) => {
      const stage = start({ phase: 'placing', placement: onNodes('n1') });
      const lost = unanswered(failure(code as 'bug', 'nobody knows'), 'claim');
      expect(stage.hear(lost)).toEqual({
        phase: 'placing',
        moved: false,
        effects: ['after 1000 again'],
      });
      expect(stage.hear({ is: 'again' }).effects).toEqual([`ask ${HERE} cluster.claim (claim)`]);
      expect(stage.sent('cluster.claim').attempt).toBe(1);
    },
  );

  it('that waits for the former cluster of that name says so', () => {
    const stage = start({ phase: 'placing', placement: onMade() });
    stage.hear(unanswered(failure('releasing', 'not gone yet'), 'claim'));
    expect(stage.state).toMatchObject({ phase: 'placing', details: 'not gone yet' });
  });

  it('that is refused leads back to the queue under a new number, and costs nothing', () => {
    const stage = start({ phase: 'placing', placement: onNodes('n1') });
    expect(stage.hear(unanswered(failure('full', 'no room'), 'claim'))).toEqual({
      phase: 'queued',
      moved: true,
      effects: ['tell /scheduler scheduler.job'],
    });
    const next = { attempt: 2, firstAttempt: 2, placement: null, details: 'no room' };
    expect(stage.state).toMatchObject({ ...next, notBefore: NOW + 1_000 });
  });

  it('that is refused again and again is asked more and more rarely', () => {
    const waits: number[] = [];
    let state = aJob();
    for (let i = 0; i < 12; i++) {
      const stage = new Stage<Job>(job, { ...state, phase: 'placing', placement: onNodes('n1') });
      stage.hear(unanswered(failure('refused', 'the name is taken'), 'claim'));
      state = stage.state;
      waits.push(state.notBefore - NOW);
    }
    expect(waits.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(waits.at(-1)).toBe(300_000);
  });
});
