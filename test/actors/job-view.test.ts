import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { row, view } from '../../src/actors/job/view.ts';
import { failure } from '../../src/protocol/errors.ts';
import { answered, NOW, Stage, told } from './stage.ts';
import { aJob, clusterNews, ID, liveJob, onMade, onNodes, over, report } from './things.ts';

const outcome = (state: 'F' | 'E' | 'C') => ({ state, exitcode: 0, signal: 0, failure: null });
const made = { placement: onMade() };

const letters: readonly (readonly [what: string, job: Job, letter: string])[] = [
  ['queued', aJob(), 'Q'],
  ['queued again, when its data had been there', aJob({ uploaded: true }), 'W'],
  ['placing', aJob({ phase: 'placing', ...made }), 'Q'],
  ['placing again, when its data had been there', aJob({ phase: 'placing', uploaded: true }), 'W'],
  ['provisioning', aJob({ phase: 'provisioning', ...made }), 'W'],
  ['staging', liveJob('staging'), 'T'],
  ['starting', liveJob('starting'), 'W'],
  ['running', liveJob('running'), 'R'],
  ['running, and being cancelled', liveJob('running', onNodes('n1'), { cancelled: true }), 'R'],
  ['collecting', liveJob('collecting'), 'T'],
  ['releasing to try again', aJob({ phase: 'releasing', again: 'attempt' }), 'W'],
  ['releasing, finished', aJob({ phase: 'releasing', outcome: outcome('F') }), 'F'],
  ['releasing, failed', aJob({ phase: 'releasing', outcome: outcome('E') }), 'E'],
  ['releasing, cancelled', aJob({ phase: 'releasing', outcome: outcome('C') }), 'C'],
  [
    'releasing to run again',
    aJob({ phase: 'releasing', outcome: outcome('F'), again: 'run' }),
    'F',
  ],
  ['ended, finished', aJob({ phase: 'ended', outcome: outcome('F') }), 'F'],
  ['ended, failed', aJob({ phase: 'ended', outcome: outcome('E') }), 'E'],
  ['ended, cancelled', aJob({ phase: 'ended', outcome: outcome('C') }), 'C'],
];

/** How details of W may begin, as spawners know them. */
const known = [
  'initiate a new partition',
  'partition spawned',
  'partition has not been created yet',
  'waiting for ssh provisioning port',
  'uploading the worker',
  'start secured tunnel',
  'sky port connected',
  'waiting for sky port port readiness',
  'data uploaded',
];
const KNOWN = new RegExp(`^(${known.join('|')})`, 'i');

describe('a letter', () => {
  it.each(letters)('of a job that is %s', (_, state, expected) => {
    expect(row(state).state).toBe(expected);
  });

  it.each(letters.filter(([, , is]) => is === 'W'))(
    'W of a job that is %s comes with details that terminals know',
    (_, state) => {
      for (const details of ['', 'quota: no more cpus', 'Partition spawned', 'Sky Port connected'])
        expect(row({ ...state, details }, 'no node is up').details).toMatch(KNOWN);
    },
  );

  it('Q tells why it waits, and others keep their own words', () => {
    expect(row(aJob({ details: 'tried before' }), 'no node is up').details).toBe('no node is up');
    expect(row(aJob({ details: 'tried before' })).details).toBe('tried before');
    const put = 'tries again at noon';
    expect(row(aJob({ details: 'no room' }), put).details).toBe(`no room; ${put}`);
    const running = liveJob('running', onNodes('n1'), { details: 'step 3' });
    expect(row(running, 'no node is up').details).toBe('step 3');
  });
});

describe('what a spawner sees', () => {
  const seen = (stage: Stage<Job>): string => row(stage.state).state;

  it('of a job that fails to start on its first cluster is no Q after its data was there', () => {
    const stage = new Stage<Job>(job, aJob());
    const shown: string[] = [seen(stage)];
    const hear = (event: object): void => {
      stage.hear(event);
      shown.push(`${seen(stage)} ${row(stage.state).details}`);
    };
    const nodes = onMade();
    const [node = ''] = nodes.nodes;
    const at = (attempt: number) => ({ attempt, node });
    hear(told('job.place', { id: ID, attempt: 1, placement: nodes }));
    hear(answered('cluster.claim', {}, 'claim'));
    for (const detail of ['Partition spawned', 'Waiting for Sky Port port readiness'])
      hear(told('job.cluster', clusterNews(nodes, 'joining', { detail })));
    hear(told('job.cluster', clusterNews(nodes, 'up')));
    hear(told('job.report', report({ ...at(1), phase: 'starting', seq: 2 })));
    const why = failure('start_failed', 'no process could be made', true);
    hear(told('job.report', over({ ...at(1), exit: null, failure: why })));
    hear(answered('cluster.unclaim', { gone: true }, 'unclaim'));
    hear(told('job.place', { id: ID, attempt: 2, placement: nodes }));
    hear(answered('cluster.claim', {}, 'claim'));
    hear(told('job.cluster', clusterNews(nodes, 'up', { attempt: 2 })));
    hear(told('job.report', report({ ...at(2), phase: 'starting', seq: 2 })));
    hear(told('job.report', report({ ...at(2), seq: 3 })));
    expect(shown).toEqual([
      'Q',
      'Q To run on swm-0197f3a2',
      'W Initiate a new partition',
      'W Partition spawned',
      'W Waiting for Sky Port port readiness',
      'T Data upload has started',
      'W Data uploaded, starting',
      'W Initiate a new partition: no process could be made',
      'W Initiate a new partition: no process could be made',
      'W Initiate a new partition: To run on swm-0197f3a2',
      'W Initiate a new partition',
      'T Data upload has started',
      'W Data uploaded, starting',
      'R ',
    ]);
  });

  it('of one that ran is a Q again, when it must run again', () => {
    const lost = liveJob('running', onMade(), { uploaded: true });
    const stage = new Stage<Job>(job, { ...lost, phase: 'starting' });
    stage.hear(told('job.report', report({ node: 'swm-0197f3a2-0' })));
    stage.hear(told('job.cluster', clusterNews(onMade(), 'gone')));
    stage.hear(answered('cluster.unclaim', { gone: true }, 'unclaim'));
    expect(seen(stage)).toBe('Q');
  });

  it('of one that its owner queued again is a Q', () => {
    const starting = liveJob('starting', onNodes('n1'), { uploaded: true });
    const stage = new Stage<Job>(job, starting);
    stage.hear(told('job.requeue', { id: ID }, 7));
    stage.hear(told('job.report', over({ stopped: true })));
    stage.hear(answered('cluster.unclaim', { gone: true }, 'unclaim'));
    expect(seen(stage)).toBe('Q');
  });
});

it('all that is kept of a job is shown', () => {
  const outputs = [{ path: 'out', sha256: 'c'.repeat(64), bytes: 1, mode: 0o644 }];
  const { collected } = over();
  const last = over({ unenforced: ['memory'], collected: collected && { ...collected, outputs } });
  const shown = view(
    aJob({ phase: 'ended', outcome: outcome('F'), reports: [last], placement: onMade() }),
    NOW,
  );
  expect(shown).toMatchObject({
    outputs,
    missing: [],
    unenforced: ['memory'],
    stdout: { sha256: 'a'.repeat(64) },
    stderr: { sha256: 'b'.repeat(64) },
    price: 0.04,
    remote: 'cloud',
    flavor: 'small',
    nodes: ['swm-0197f3a2-0'],
  });
});
