import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { NOW, Stage, told } from './stage.ts';
import { aJob, clusterNews, ID, liveJob, onNodes, over, report, worker } from './things.ts';

const ASKED: Partial<Spec> = { onNodeLoss: 'requeue', leaseMs: 10_000 };
/** Lease and grace, and a tenth of both. */
const WAIT_MS = 16_500;
const nodes = onNodes('n1');
const running = { reports: [report()] };
const leased = (change: Partial<Job> = {}, phase: Parameters<typeof liveJob>[0] = 'running') =>
  new Stage<Job>(job, liveJob(phase, nodes, { ...running, ...change }, ASKED));
const ask = (change: object = {}, node = 'n1', who = worker('n1')) =>
  told('job.lease', { job: ID, node, attempt: 1, rank: 0, ...change }, 7, who);
const silentSince = (since: number, placement = nodes, ...silent: string[]) => {
  const news = clusterNews(placement, 'up');
  const names = silent.length > 0 ? silent : ['n1'];
  const all = news.nodes.map((node) =>
    names.includes(node.name) ? { ...node, phase: 'silent' as const, since } : node,
  );
  return told('job.cluster', { ...news, nodes: all });
};
const again = { is: 'again' };
const YES = { moved: false, effects: ['reply 7 {}'] };
const NO = {
  moved: false,
  effects: [`refuse 7 wrong_phase: attempt 1 of job ${ID} is given up`],
};

describe('a lease', () => {
  it.each(['staging', 'starting', 'running', 'collecting'] as const)(
    'is given while %s',
    (phase) => {
      expect(leased({}, phase).hear(ask())).toEqual({ phase, ...YES });
    },
  );

  it.each([
    ['of another attempt', leased(), ask({ attempt: 2 })],
    ['of another rank', leased(), ask({ rank: 1 })],
    ['of a rank of another node', leased(), ask({}, 'n2', worker('n2'))],
    ['of one that is being ended', leased({ stop: { failure: null, since: NOW } }), ask()],
    ['of one that is over', leased({ reports: [over()] }), ask()],
    ['of one that asked for none', new Stage<Job>(job, liveJob('running', nodes, running)), ask()],
    ['of one that is queued', new Stage<Job>(job, aJob({}, ASKED)), ask()],
  ])('%s is refused', (_, stage, event) => {
    const { phase } = stage.state;
    const { attempt } = event.message.body as { attempt: number };
    const effects = [`refuse 7 wrong_phase: attempt ${attempt} of job ${ID} is given up`];
    expect(stage.hear(event)).toEqual({ phase, moved: false, effects });
  });

  it('is asked for by its own worker only', () => {
    const { effects } = leased().hear(ask({}, 'n1', worker('n2')));
    expect(effects).toEqual([`refuse 7 forbidden: job ${ID} belongs to somebody else`]);
  });

  it('that is over for sure ends the attempt, and it is tried again', () => {
    const stage = leased();
    stage.hear(ask(), 1_000);
    stage.hear(silentSince(NOW + 1_000), 7_000);
    expect(stage.hear(again, 1_000 + WAIT_MS - 1)).toMatchObject({
      phase: 'running',
      moved: false,
    });
    expect(stage.hear(again, 1_000 + WAIT_MS)).toEqual({
      phase: 'releasing',
      moved: true,
      effects: ['ask /clusters/here cluster.unclaim (unclaim)'],
    });
    const [since, at] = [NOW + 1_000, NOW + 1_000 + WAIT_MS].map((t) => new Date(t).toISOString());
    const details = `node n1 silent since ${since}; its lease ended at ${at}`;
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null, details });
    expect(stage.state.timeline.map(({ what }) => what)).toContain(details);
    expect(stage.hear(ask(), 20_000)).toEqual({ phase: 'releasing', ...NO });
  });

  it('counts from the last yes', () => {
    const stage = leased();
    stage.hear(ask(), 1_000);
    stage.hear(silentSince(NOW), 2_000);
    stage.hear(ask(), 9_000);
    expect(stage.hear(again, 9_000 + WAIT_MS - 1).phase).toBe('running');
    expect(stage.hear(again, 9_000 + WAIT_MS).phase).toBe('releasing');
  });

  it('counts anew for who does not know of the last yes, such as a new leader', () => {
    const silent = silentSince(NOW).message.body as Job['cluster'];
    const stage = leased({ cluster: silent });
    expect(stage.hear(again, 100_000).phase).toBe('running');
    expect(stage.hear(again, 100_000 + WAIT_MS - 1).phase).toBe('running');
    expect(stage.hear(again, 100_000 + WAIT_MS).phase).toBe('releasing');
  });

  it('ends nothing on a node that is heard of, nor a job that did not say so', () => {
    const heard = leased();
    heard.hear(again, 0);
    expect(heard.hear(again, 10 * WAIT_MS)).toMatchObject({ phase: 'running', moved: false });
    const waits = new Stage<Job>(job, liveJob('running', nodes, running));
    waits.hear(silentSince(NOW));
    waits.hear(again, 0);
    expect(waits.hear(again, 10 * WAIT_MS)).toMatchObject({ phase: 'running', moved: false });
    expect(waits.state.details).toContain('silent since');
  });

  it('of one rank ends the others, and the attempt only with the last of them', () => {
    const two = onNodes('n1', 'n2');
    const reports = [report(), report({ rank: 1, node: 'n2' })];
    const stage = new Stage<Job>(job, liveJob('running', two, { reports }, ASKED));
    stage.hear(again, 0);
    stage.hear(silentSince(NOW, two, 'n1'));
    expect(stage.hear(again, WAIT_MS)).toEqual({
      phase: 'running',
      moved: true,
      effects: [
        `ask n2/runners/${ID}.1.1 runner.stop (stop/1)`,
        'after 5000 again',
        'after 60000 late',
      ],
    });
    // What was given up stays so, whatever its runner still says.
    stage.hear(told('job.report', report({ seq: 50 }), 0, worker('n1')));
    expect(stage.state.reports[0]).toMatchObject({ phase: 'over', failure: { code: 'lost' } });
    const rest = ask({ rank: 1 }, 'n2', worker('n2'));
    expect(stage.hear(rest).effects).toEqual(NO.effects);
    stage.hear(told('job.report', over({ rank: 1, node: 'n2', stopped: true })));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'attempt', outcome: null });
  });

  it('costs a try, and the last one ends the job', () => {
    const silent = silentSince(NOW).message.body as NonNullable<Job['cluster']>;
    const stage = leased({ attempt: 3, cluster: { ...silent, attempt: 3 }, leasedAt: NOW });
    stage.hear(again, WAIT_MS);
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'no' });
    expect(stage.state.outcome).toMatchObject({ state: 'E', failure: { code: 'lost' } });
  });

  it('that its own guard found to be over is a loss, too', () => {
    const stage = leased();
    const lost = failure('lost', 'its lease ran out');
    stage.hear(told('job.report', over({ failure: lost })));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'attempt' });
  });
});
