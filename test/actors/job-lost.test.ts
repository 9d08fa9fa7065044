import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { failure } from '../../src/protocol/errors.ts';
import { NOW, Stage, told, unanswered } from './stage.ts';
import { clusterNews, exit, ID, liveJob, onMade, onNodes, over, report } from './things.ts';

describe('a machine that is lost', () => {
  const goneNews = told('job.cluster', clusterNews(onMade(), 'gone', { nodes: [] }));

  it('ends its attempt only once it is confirmed gone', () => {
    const reports = [report({ node: 'swm-0197f3a2-0' })];
    const stage = new Stage<Job>(job, liveJob('running', onMade(), { reports }));
    const since = NOW + 7_000;
    const nodes = [{ name: 'swm-0197f3a2-0', address: '', phase: 'silent' as const, since }];
    const silent = clusterNews(onMade(), 'releasing', { nodes });
    expect(stage.hear(told('job.cluster', silent))).toEqual({
      phase: 'running',
      moved: false,
      effects: [],
    });
    expect(stage.state.details).toBe(
      `running (node swm-0197f3a2-0 silent since ${new Date(since).toISOString()})`,
    );
    expect(stage.hear(goneNews)).toMatchObject({ phase: 'releasing', moved: true });
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null, attempt: 1 });
  });

  it('takes the results with it, if they were not collected', () => {
    const reports = [report({ phase: 'collecting', exit: exit() })];
    const stage = new Stage<Job>(job, liveJob('collecting', onMade(), { reports }));
    stage.hear(goneNews);
    expect(stage.state).toMatchObject({ again: 'attempt', outcome: null });
    expect(stage.state.details).toContain('results');
  });

  it('changes nothing about an attempt that had ended before', () => {
    const reports = [over(), report({ rank: 1, node: 'swm-0197f3a2-1' })];
    const stage = new Stage<Job>(job, liveJob('collecting', onMade(2), { reports }));
    stage.hear(goneNews);
    expect(stage.state).toMatchObject({ again: 'no', outcome: { state: 'F' } });
  });

  it('is gone as well when nothing is known of the cluster that was made', () => {
    const stage = new Stage<Job>(job, liveJob('running', onMade()));
    expect(stage.hear(unanswered(failure('not_found', 'no cluster'), 'news')).phase).toBe(
      'releasing',
    );
    const given = new Stage<Job>(job, liveJob('running'));
    expect(given.hear(unanswered(failure('not_found', 'no cluster'), 'news'))).toEqual({
      phase: 'running',
      moved: false,
      effects: [],
    });
  });

  it('that was given ends its attempt when an operator gives it up, and the others with it', () => {
    const nodes = onNodes('n1', 'n2');
    const reports = [report(), report({ rank: 1, node: 'n2' })];
    const stage = new Stage<Job>(job, liveJob('running', nodes, { reports }));
    const news = clusterNews(nodes, 'up');
    const [n1, n2] = news.nodes as [(typeof news.nodes)[0], (typeof news.nodes)[0]];
    const lost = { ...news, nodes: [{ ...n1, phase: 'gone' as const }, n2] };
    expect(stage.hear(told('job.cluster', lost))).toEqual({
      phase: 'running',
      moved: true,
      effects: [
        `ask n2/runners/${ID}.1.1 runner.stop (stop/1)`,
        'after 5000 again',
        'after 60000 late',
      ],
    });
    stage.hear(told('job.report', over({ rank: 1, node: 'n2', stopped: true })));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'attempt', outcome: null });
  });

  it('and is heard of again leaves no trace in the details', () => {
    const reports = [report({ detail: 'step 3' })];
    const stage = new Stage<Job>(job, liveJob('running', onNodes('n1'), { reports }));
    const news = clusterNews(onNodes('n1'), 'up');
    const [n1] = news.nodes as [(typeof news.nodes)[0]];
    stage.hear(told('job.cluster', { ...news, nodes: [{ ...n1, phase: 'silent' }] }));
    expect(stage.state.details).toContain('silent');
    stage.hear(told('job.cluster', { ...news, nodes: [{ ...n1, since: NOW + 1 }] }));
    expect(stage.state.details).toBe('step 3');
    const before = stage.state;
    stage.hear(told('job.cluster', { ...news, nodes: [{ ...n1, since: NOW + 1 }] }));
    expect(stage.state).toBe(before);
  });
});
