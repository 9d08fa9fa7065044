import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { type ExecSetup, serveEnter, serveExec } from '../../src/api/job-exec.ts';
import type { Enter, EnterWish } from '../../src/platform/process/exec.ts';
import type { Hub } from '../../src/platform/streams.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Who } from '../../src/protocol/who.ts';
import { memoryStore, type Shelf } from '../actors/memory.ts';
import { ID, liveJob, onNodes, over } from '../actors/things.ts';
import { type HubPair, hubPair } from '../platform/hub-pair.ts';

let pairs: HubPair[];
let store: Shelf;
let entered: EnterWish[];
let notes: unknown[];

beforeEach(() => {
  [pairs, store, entered, notes] = [[], memoryStore(), [], []];
});
afterEach(() => {
  for (const pair of pairs) pair.end();
});

const enter: Enter = async (wish, stream, accept) => {
  entered.push(wish);
  if (wish.words[0] === 'fail') throw new Failed('wrong_phase', 'it does not run here');
  accept();
  stream.resume();
  stream.end('inside');
};

const linked = (): HubPair => {
  const pair = hubPair();
  pairs.push(pair);
  return pair;
};

/** What a terminal has of a head, from which `w1` is reached. */
function terminal(who: Who = { door: 'terminal', id: 'ada' }, here?: Enter): Hub {
  const [far, pair] = [linked(), linked()];
  far.head.serve('exec.open', serveEnter(enter));
  const setup: ExecSetup = {
    store,
    current: async () => {},
    name: 'h1',
    hub: (node) => (node === 'w1' ? far.worker : undefined),
    here,
    note: (...said) => void notes.push(said),
  };
  Object.assign(pair.head, { who });
  pair.head.serve('job.exec', serveExec(setup));
  return pair.worker;
}

const keep = (change: Partial<Job> = {}): void =>
  store.keep(
    keeping,
    `/jobs/${ID}`,
    liveJob('running', onNodes('h1', 'w1'), { owner: 'ada', ...change }),
  );

const wish = { job: ID, rank: 1, words: ['ls', '-l'], window: null };

async function said(hub: Hub, change: object = {}): Promise<string> {
  const stream = hub.open('job.exec', { ...wish, ...change });
  stream.end();
  return buffer(stream).then(String, ({ failure }: Failed) => `${failure.code}: ${failure.text}`);
}

describe('a command inside a job', () => {
  it('is run on the node of its rank, in the attempt that runs', async () => {
    keep({ attempt: 3 });
    expect(await said(terminal())).toBe('inside');
    expect(entered).toEqual([{ ...wish, attempt: 3 }]);
    // Whoever looks at the log learns who, and not what.
    expect(notes).toEqual([['info', '/exec', 'a job is entered', { job: ID, rank: 1, by: 'ada' }]]);
  });

  it('is run by the head itself where that runs the job, also for operators', async () => {
    keep();
    const hub = terminal({ door: 'operator', id: 'root' }, enter);
    expect(await said(hub, { rank: 0 })).toBe('inside');
  });

  it('is refused to others than the owner of the job', async () => {
    keep();
    const hub = terminal({ door: 'terminal', id: 'eve' });
    expect(await said(hub)).toBe(`forbidden: job ${ID} belongs to somebody else`);
    expect([entered, notes]).toEqual([[], []]);
  });

  it.each<[string, Partial<Job>, object, RegExp]>([
    ['that has ended', { phase: 'ended' }, {}, /^wrong_phase: .* is ended/],
    ['that waits', { phase: 'queued' }, {}, /^wrong_phase: .* is queued/],
    ['without such a rank', {}, { rank: 2 }, /^not_found: .* has no rank 2/],
    ['that is over there', { reports: [null, over({ rank: 1 })] }, {}, /^wrong_phase: /],
    ['whose worker knows better', {}, { words: ['fail'] }, /^wrong_phase: it does not run here$/],
    ['by a wish that cannot be read', {}, { words: [7] }, /^malformed: \$\.words/],
  ])('is refused in one %s', async (_, change, asked, why) => {
    keep(change);
    expect(await said(terminal(), asked)).toMatch(why);
  });

  it('is refused where there is no such job', async () => {
    expect(await said(terminal())).toBe(`not_found: no job ${ID}`);
  });

  it('is refused by workers without an attempt', async () => {
    const far = linked();
    far.head.serve('exec.open', serveEnter(enter));
    const stream = far.worker.open('exec.open', wish);
    await expect(buffer(stream.end())).rejects.toThrow('$.attempt');
  });
});
