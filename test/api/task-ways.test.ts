import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { joinTasks, serveTasks, type TaskSetup } from '../../src/api/task-ways.ts';
import type { TaskWish } from '../../src/platform/task/sockets.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { memoryStore, type Shelf } from '../actors/memory.ts';
import { ID, liveJob, onNodes, over } from '../actors/things.ts';
import { type HubPair, hubPair } from '../platform/hub-pair.ts';

let store: Shelf;
let pairs: HubPair[];
let joined: TaskWish[];

beforeEach(() => {
  store = memoryStore();
  pairs = [];
  joined = [];
});
afterEach(() => {
  for (const pair of pairs) pair.end();
});

/** An agent that says its rank, and ends. */
async function agentOf(wish: TaskWish): Promise<Duplex> {
  joined.push(wish);
  if (wish.attempt !== 1) throw new Failed('unreachable', 'no agent');
  const agent = new PassThrough();
  agent.end(`rank ${wish.rank}`);
  return agent;
}

/** Worker `w1`, which is told of by a head whose other workers are w2 and, a head too, h1. */
function linked(): HubPair {
  const near = hubPair();
  const far = hubPair();
  pairs.push(near, far);
  // The far one's worker is the head here: it opens, and the other side answers as w2.
  far.head.serve('task.join', joinTasks(agentOf));
  const setup: TaskSetup = {
    store,
    current: async () => {},
    name: 'h1',
    hub: (node) => (node === 'w2' ? far.worker : undefined),
    here: agentOf,
  };
  near.head.serve('task.open', serveTasks(setup));
  return near;
}

const keep = (change: Partial<Job> = {}, ranks: 'main' | 'all' = 'main'): void =>
  store.keep(
    keeping,
    `/jobs/${ID}`,
    liveJob('running', onNodes('w1', 'w2', 'h1', 'w3'), change, { ranks }),
  );

async function said(change: object = {}): Promise<string> {
  const stream = linked().worker.open('task.open', { job: ID, attempt: 1, rank: 1, ...change });
  stream.end();
  return buffer(stream).then(String, ({ failure }: Failed) => `${failure.code}: ${failure.text}`);
}

describe('what runs tasks', () => {
  it('is on the node of its rank, which may be this head', async () => {
    keep();
    expect(await said()).toBe('rank 1');
    expect(await said({ rank: 2 })).toBe('rank 2');
    expect(joined).toEqual([1, 2].map((rank) => ({ job: ID, attempt: 1, rank })));
  });

  it('is for the main process of its own attempt alone', async () => {
    keep({ placement: onNodes('w2', 'w1') });
    const text = `forbidden: attempt ${ID}.1.0 is not on w1`;
    expect(await said()).toBe(text);
    keep({ attempt: 2 });
    expect(await said()).toBe(text);
    keep({ phase: 'ended' });
    expect(await said()).toBe(text);
    keep({ reports: [over(), null, null, null] });
    expect(await said()).toBe(text);
    expect(joined).toEqual([]);
  });

  it('is nowhere else', async () => {
    keep();
    const text = (rank: number) => `forbidden: job ${ID} runs no tasks at rank ${rank}`;
    expect(await said({ rank: 0 })).toBe(text(0));
    expect(await said({ rank: 4 })).toBe(text(4));
    expect(await said({ rank: 3 })).toBe('unreachable: there is no link to node w3');
    expect(await said({ rank: -1 })).toMatch(/^malformed: \$\.rank/);
    keep({}, 'all');
    expect(await said()).toBe(text(1));
    expect(joined).toEqual([]);
  });
});
