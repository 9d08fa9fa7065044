import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { node } from '../../src/actors/node/node.ts';
import { runner } from '../../src/actors/runner/behaviour.ts';
import { type Runner, reportOf } from '../../src/actors/runner/runner.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Placement } from '../../src/protocol/model.ts';
import type { Phased } from '../../src/runtime/behaviour.ts';
import type { Any } from './brief.ts';
import { claimOf, MADE, made, nodeNews } from './clusters.ts';
import { type Around, inTurn, playForgetful } from './forgetful.ts';
import { aRunner, orderOf, place, RUNNER, stopOf } from './runners.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import {
  aJob,
  clusterNews,
  collected,
  exit,
  ID,
  liveJob,
  onMade,
  onNodes,
  over,
  report,
} from './things.ts';

/** What a machine is once it heard that. */
function heard<S extends Phased>(machine: Stage<S>['machine'], state: S, event: object): S {
  const stage = new Stage<S>(machine, state);
  stage.hear(event);
  return stage.state;
}

const down = failure('unreachable', 'nobody there');
const nothing: readonly object[] = [];

/** Clusters and workers that do what they are asked, each at the second time of asking. */
function aroundJob(placement: Placement): Around<Job> {
  const claimed = inTurn(false, true);
  const isGone = inTurn(false, true);
  const news = (attempt: number): object =>
    told('job.cluster', clusterNews(placement, 'up', { attempt }));
  const answer = (effect: Any, state: Job): readonly object[] => {
    if (effect.do === 'run')
      return [done(effect.task, effect.task === 'alias' ? '127.77.0.9' : null)];
    if (effect.do !== 'tell' && effect.do !== 'ask') return nothing;
    const { name, body } = effect.message;
    switch (name) {
      case 'scheduler.job': {
        const { attempt } = body.waits ?? {};
        return attempt ? [told('job.place', { id: ID, attempt, placement })] : nothing;
      }
      case 'cluster.claim':
        return claimed()
          ? [answered(name, {}, 'claim'), news(state.attempt)]
          : [unanswered(down, 'claim')];
      case 'cluster.unclaim':
        return [answered(name, { gone: isGone() }, 'unclaim')];
      case 'runner.stop':
        return [ended(state, body.rank)];
      default:
        return nothing;
    }
  };
  const ended = ({ attempt }: Job, rank: number): object =>
    told('job.report', over({ attempt, rank, node: placement.nodes[rank] ?? '', seq: 99 }));
  /** A worker says again what was not taken. */
  const byItself = (state: Job): readonly object[] => {
    const phase = follows[state.phase];
    if (phase === undefined || state.stop !== null) return nothing;
    const { attempt } = state;
    const last = phase === 'collecting' || phase === 'over' ? { exit: exit(), collected } : {};
    return placement.nodes.map((name, rank) => {
      const seq = (state.reports[rank]?.seq ?? 0) + 1;
      return told('job.report', report({ attempt, rank, node: name, seq, phase, ...last }));
    });
  };
  return { answer, byItself };
}

/** What a worker tells next. */
const follows: Readonly<Record<string, Body<'job.report'>['phase']>> = {
  staging: 'starting',
  starting: 'running',
  running: 'collecting',
  collecting: 'over',
};

const isEnded = ({ phase }: Job): boolean => phase === 'ended';

describe('a job that forgets all that it was about to do', () => {
  it.each([
    ['one node', onNodes('n1')],
    ['two nodes', onNodes('n1', 'n2')],
    ['a cluster that is made', onMade(2)],
  ])('on %s comes to its end', (_, placement) => {
    const ports = [{ port: 80, protocol: 'tcp', direction: 'in' } as const];
    const { state, phases } = playForgetful<Job>(
      job,
      aJob({}, { ports }),
      aroundJob(placement),
      isEnded,
    );
    expect(phases).toEqual(
      'queued placing provisioning staging starting running collecting releasing ended'.split(' '),
    );
    expect(state.outcome).toMatchObject({ state: 'F' });
  });

  const jobs: readonly Job[] = [
    aJob(),
    aJob({ phase: 'placing', placement: onNodes('n1') }),
    aJob({ phase: 'provisioning', placement: onNodes('n1') }),
    ...(['staging', 'starting', 'running', 'collecting'] as const).map((phase) => liveJob(phase)),
    aJob({ phase: 'releasing', placement: onNodes('n1'), again: 'attempt' }),
  ];
  it.each(jobs.map((state) => [state.phase, state] as const))(
    'and is cancelled while it is %s comes to its end',
    (_, state) => {
      const next = heard(job, state, told('job.cancel', { id: ID }, 7));
      const { state: last } = playForgetful(job, next, aroundJob(onNodes('n1')), isEnded);
      expect(last).toMatchObject({ phase: 'ended', outcome: { state: 'C' } });
    },
  );

  it.each(jobs.map((state) => [state.phase, state] as const))(
    'and is queued again while it is %s comes to its end, in another attempt',
    (phase, state) => {
      const next = heard(job, state, told('job.requeue', { id: ID }, 7));
      const { state: last } = playForgetful(job, next, aroundJob(onNodes('n1')), isEnded);
      const attempt = phase === 'queued' ? 1 : 2;
      expect(last).toMatchObject({ phase: 'ended', attempt, run: 1, outcome: { state: 'F' } });
    },
  );
});

/** A site, a registry and a job, of whom each does what it is asked at the second time. */
function aroundCluster(): Around<Cluster> {
  const created = inTurn(false, true);
  const removed = inTurn(false, true);
  const known = inTurn(false, true, true, false, true, true);
  const answer = (effect: Any, state: Cluster): readonly object[] => {
    if (effect.do === 'run' && effect.task === 'tokens')
      return [done('tokens', Object.fromEntries(state.members.map(({ name }) => [name, 'a'])))];
    if (effect.do === 'run' && effect.task === 'create')
      return [created() ? done('create', { externalId: '/id/1' }) : failed('create', down)];
    if (effect.do === 'run' && effect.task === 'remove')
      return [removed() ? done('remove') : failed('remove', down)];
    if (effect.do === 'run') return [done(effect.task, { status: 'creating' })];
    if (effect.do !== 'ask') return nothing;
    const { key = '', message } = effect;
    return [known() ? answered(message.name, {}, key) : unanswered(down, key)];
  };
  const byItself = ({ phase, members }: Cluster): readonly object[] => {
    if (phase === 'joining')
      return members.map(({ name }) => told('cluster.node', nodeNews(name), 5));
    const end = told('cluster.unclaim', { cluster: MADE, job: ID, attempt: 1 }, 6);
    return phase === 'up' ? [end] : nothing;
  };
  return { answer, byItself };
}

describe('a cluster that forgets all that it was about to do', () => {
  const isGone = ({ phase, expected }: Cluster): boolean =>
    phase === 'gone' && expected.length === 0;

  it('is made, used and removed', () => {
    const claim = told('cluster.claim', claimOf(onMade(2)), 7);
    const blank = cluster.init(claimOf(onMade(2)), NOW);
    const begun = heard(cluster, blank, claim);
    const { state, phases } = playForgetful(cluster, begun, aroundCluster(), isGone);
    expect(phases).toEqual(['creating', 'joining', 'up', 'releasing', 'gone']);
    expect(state.externalId).toBe('/id/1');
  });

  it.each(['creating', 'joining', 'up'] as const)(
    'is removed when it is let go while %s',
    (phase) => {
      const end = told('cluster.unclaim', { cluster: MADE, job: ID, attempt: 1 }, 6);
      const next = heard(cluster, made(phase), end);
      const { state } = playForgetful(cluster, next, aroundCluster(), isGone);
      expect(state).toMatchObject({ phase: 'gone', expected: [] });
    },
  );

  it('is removed when a node of it stays silent', () => {
    const silent = nodeNews(`${MADE}-0`, { phase: 'silent' });
    const next = heard(cluster, made('up'), told('cluster.node', silent, 5));
    const quiet = { ...aroundCluster(), byItself: () => nothing };
    const { state } = playForgetful(cluster, next, quiet, isGone);
    expect(state).toMatchObject({ phase: 'gone', failure: { code: 'lost' } });
  });
});

/** A machine and a head, of whom each does what it is asked at the second time. */
function aroundRunner(): Around<Runner> {
  const works = inTurn(false, true);
  const values: Readonly<Record<string, unknown>> = {
    stage: place,
    start: { pid: 1, at: NOW, unenforced: [] },
    wait: exit(),
    kill: exit({ signal: 15 }),
    collect: collected,
    checkpoint: null,
    clear: null,
  };
  const answer = (effect: Any, state: Runner): readonly object[] => {
    if (effect.do === 'tell' && effect.message.name === 'job.report') {
      const { seq } = effect.message.body as Body<'job.report'>;
      return [told('runner.taken', { runner: RUNNER, seq })];
    }
    if (effect.do !== 'run') return nothing;
    const fails = state.phase !== 'starting' && !works();
    return [
      fails ? failed(effect.task, failure('bug', '')) : done(effect.task, values[effect.task]),
    ];
  };
  return { answer, byItself: () => nothing };
}

describe('a runner that forgets all that it was about to do', () => {
  const isCleared = ({ cleared }: Runner): boolean => cleared;

  it('runs its process, and leaves nothing', () => {
    const begun = runner.init(orderOf(), NOW);
    const { state, phases } = playForgetful<Runner>(runner, begun, aroundRunner(), isCleared);
    expect(phases).toEqual('staging starting running collecting over forgotten'.split(' '));
    expect(reportOf(state)).toMatchObject({ exit: { code: 0 }, collected, failure: null });
  });

  it.each(['staging', 'staged', 'starting', 'running', 'collecting'] as const)(
    'that is stopped while it is %s leaves nothing',
    (phase) => {
      const stop = told('runner.stop', stopOf({ failure: down }), 8);
      const next = heard(runner, aRunner(phase), stop);
      const { state } = playForgetful(runner, next, aroundRunner(), isCleared);
      expect(state).toMatchObject({ phase: 'forgotten', failure: down });
    },
  );
});

describe('a runner of a job that saves itself, and forgets all that it was about to do', () => {
  it('saves itself before it is ended, and leaves nothing', () => {
    const stop = told('runner.stop', stopOf({ saveMs: 30_000 }), 8);
    const next = heard(runner, aRunner('running', {}, { checkpoint: true }), stop);
    const isOver = ({ phase }: Runner): boolean => phase === 'over';
    const { state, phases } = playForgetful<Runner>(runner, next, aroundRunner(), isOver);
    expect(phases).toEqual('saving stopping collecting over'.split(' '));
    expect(reportOf(state)).toMatchObject({ stopped: true, collected });
  });
});

describe('a node that forgets all that it was about to do', () => {
  it('has its cluster know that it is gone', () => {
    const isHeard = inTurn(false, false, true);
    const answer = (effect: Any): readonly object[] => {
      if (effect.do !== 'ask') return nothing;
      return [isHeard() ? answered('cluster.node') : unanswered(down)];
    };
    const expected: Body<'node.expect'> = {
      node: 'n1',
      cluster: MADE,
      role: 'worker',
      tokenHash: 'a'.repeat(64),
      expiresAt: NOW,
    };
    const known = node.init(expected, NOW);
    const there = heard(node, known, told('node.expect', expected, 7));
    const next = heard(node, there, told('node.remove', { node: 'n1' }, 8));
    const around = { answer, byItself: () => nothing };
    const { state, lives } = playForgetful(node, next, around, ({ told: isTold }) => isTold);
    expect(state).toMatchObject({ phase: 'gone', told: true });
    expect(lives).toBeGreaterThan(0);
  });
});
