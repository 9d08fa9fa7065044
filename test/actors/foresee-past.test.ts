import { expect, it } from 'vitest';
import { keeping } from '../../src/actors/job/keeping.ts';
import { questionOf } from '../../src/actors/scheduler/question.ts';
import type { Scheduler } from '../../src/actors/scheduler/scheduler.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { limits } from '../../src/protocol/limits.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { inWorld } from './foresight.ts';
import { memoryStore } from './memory.ts';
import { idOf, job, node, resources } from './pictures.ts';
import { aJob } from './things.ts';
import { tenure, type World } from './worlds.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A node that somebody holds for an hour, and a job that wants it. */
const busy: World = {
  nodes: [node('n1', 1, { free: resources(0) })],
  holds: [
    {
      ...{ job: idOf(9), attempt: 1, resources: resources(1, 0, 0), ports: [], nodes: ['n1'] },
      ...{ since: NOW, tenure: tenure({ owner: 'ben', walltimeMs: HOUR }) },
    },
  ],
  policy: defaultPolicy,
  ...{ sites: [], warm: [], relocate: 'asked' },
  waiting: [job(1, { cpus: 1, memoryBytes: 0 }, { owner: 'ann' })],
};

it('reads of the kept jobs how much of their time they took, the latest first', async () => {
  const store = memoryStore();
  const ended = (n: number, at: number, part: number): void => {
    const times = { since: at, startedAt: at - part * HOUR, endedAt: at };
    const state = aJob(
      { ...times, id: idOf(n), owner: 'zoe', phase: 'ended' },
      { walltimeMs: HOUR },
    );
    store.keep(keeping, `/jobs/${idOf(n)}`, state);
  };
  const { state } = inWorld(busy, NOW);
  const asked = async (): Promise<readonly unknown[]> => {
    let turns = 0;
    const tasks = schedulerTasks(store, async () => {
      turns += 1;
    });
    const question = questionOf(state as Scheduler, idOf(1), NOW);
    if (question === undefined) throw new Error('it does not wait');
    const context = { signal: new AbortController().signal, emit: () => {}, path: '/scheduler' };
    const { start } = await tasks.foresee({ question, wants: 'start' }, context);
    expect(turns).toBeGreaterThan(limits.playsMax);
    return [start?.from, start?.until];
  };
  // Too long ago, or never started: nobody learns of those.
  ended(1, NOW - limits.pastMs - DAY, 0.5);
  store.keep(keeping, `/jobs/${idOf(2)}`, aJob({ id: idOf(2), phase: 'ended', since: NOW - 1 }));
  const [from = 0, until = 0] = (await asked()) as number[];
  expect(until - from).toBeGreaterThan(HOUR / 4);

  for (let n = 10; n < 10 + limits.pastMax; n++) ended(n, NOW - 1 - n, 0.25);
  ended(3, NOW - DAY, 0.75);
  expect(await asked()).toEqual([NOW + HOUR / 4, NOW + HOUR / 4]);
});
