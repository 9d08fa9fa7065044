import { describe, expect, it } from 'vitest';
import type { PlaceOrder, ProcessOrder } from '../../src/actors/ports.ts';
import { type RunnerPorts, runnerTasks } from '../../src/actors/runner/tasks.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { handClock } from '../ports/hand-clock.ts';
import { orderOf, place } from './runners.ts';

const ASKED: Partial<Spec> = {
  env: { DB: 'of the script', COLOR: 'red' },
  secrets: [
    { name: 'db', as: 'env', to: 'PGPASSWORD' },
    { name: 'key', as: 'file', to: '.ssh/key' },
  ],
};
const VALUES = { db: 'the word', key: 'KEY\n' };

function worker(answers: readonly (Readonly<Record<string, string>> | Failed)[]) {
  const clock = handClock();
  const heard = {
    asked: [] as object[],
    staged: [] as PlaceOrder[],
    started: [] as ProcessOrder[],
    collected: [] as PlaceOrder[],
    pulled: [] as unknown[],
  };
  const ports = {
    clock,
    address: '127.0.0.1',
    path: '/bin',
    user: 'nobody',
    accountOf: () => '',
    outs: { open: async () => {} },
    tasks: { open: async () => {} },
    secrets: async (key: object) => {
      const answer = answers[heard.asked.push(key) - 1] ?? VALUES;
      if (answer instanceof Failed) throw answer;
      return answer;
    },
    images: {
      bring: async (image: string, _progress: unknown, _signal: unknown, login: unknown) =>
        void heard.pulled.push([image, login]),
    },
    processes: {
      ensure: async (order: ProcessOrder) => {
        heard.started.push(order);
        return { pid: 1, at: 0, unenforced: [] };
      },
    },
    workplace: {
      stage: async (order: PlaceOrder) => {
        heard.staged.push(order);
        return place;
      },
      collect: async (order: PlaceOrder) => {
        heard.collected.push(order);
        return { outputs: [], missing: [] };
      },
    },
  } as unknown as RunnerPorts;
  return { ...heard, clock, tasks: runnerTasks(ports) };
}

const order = orderOf({}, ASKED);
const at = { job: order.job, attempt: 1, rank: 0 };
const context = (signal = new AbortController().signal) => ({ signal, emit: () => {}, path: '/' });

describe('secrets on a worker', () => {
  it('come as files with the input, and as variables at the start', async () => {
    const { tasks, asked, staged, started } = worker([]);
    await tasks.stage(order, context());
    expect(staged[0]?.secrets).toEqual([{ path: '.ssh/key', text: 'KEY\n' }]);
    await tasks.start({ order, place }, context());
    expect(started[0]?.env).toMatchObject({ PGPASSWORD: 'the word', COLOR: 'red' });
    expect(JSON.stringify(started[0])).not.toContain('KEY');
    expect(asked).toEqual([at, at]);
  });

  it('go to the pull of the image that names one, and into nothing else', async () => {
    const login = { containerImage: 'a/b', containerLogin: 'key', env: {} };
    const { tasks, asked, staged, started, pulled } = worker([]);
    const pulling = orderOf({}, login);
    await tasks.stage(pulling, context());
    await tasks.start({ order: pulling, place }, context());
    expect(pulled).toEqual([['a/b', { name: 'key', text: 'KEY\n' }]]);
    expect(asked).toEqual([at]);
    expect(JSON.stringify([staged, started])).not.toContain('KEY');
    await tasks.stage(orderOf({}, { containerImage: 'c' }), context());
    expect([pulled[1], asked.length]).toEqual([['c', undefined], 1]);
  });

  it('are asked for only where they are needed', async () => {
    const plain = orderOf();
    const { tasks, asked, staged } = worker([]);
    await tasks.stage(plain, context());
    await tasks.start({ order: plain, place }, context());
    expect(asked).toEqual([]);
    expect(staged[0]?.secrets).toEqual([]);
  });

  it('are known by their places when files are collected, not any more by values', async () => {
    const { tasks, asked, collected } = worker([]);
    await tasks.collect(order, context());
    expect(collected[0]?.secrets).toEqual([{ path: '.ssh/key', text: '' }]);
    expect(asked).toEqual([]);
  });

  it('are asked for again while no head answers', async () => {
    const away = new Failed('unreachable', 'nobody leads now');
    const { tasks, clock, asked, started } = worker([away, new Failed('timeout', 'late')]);
    const starting = tasks.start({ order, place }, context());
    for (let i = 1; i < 3; i++) {
      await expect.poll(() => asked.length).toBe(i);
      await expect.poll(() => clock.waiting).toBe(1);
      expect(started).toEqual([]);
      clock.pass(limits.secretsAgainMs);
    }
    await starting;
    expect(started).toHaveLength(1);
  });

  it('that are refused are the reason why nothing starts', async () => {
    const why = new Failed('no_secret', 'there is no secret db');
    const { tasks, started, staged } = worker([why, why]);
    await expect(tasks.start({ order, place }, context())).rejects.toBe(why);
    await expect(tasks.stage(order, context())).rejects.toBe(why);
    expect([...started, ...staged]).toEqual([]);
  });

  it('start nothing once the attempt is given up', async () => {
    const { tasks, clock, started } = worker([new Failed('unreachable', 'away')]);
    const giving = new AbortController();
    const starting = tasks.start({ order, place }, context(giving.signal));
    await expect.poll(() => clock.waiting).toBe(1);
    giving.abort();
    clock.pass(limits.secretsAgainMs);
    await expect(starting).rejects.toMatchObject({ failure: { code: 'timeout' } });
    expect(started).toEqual([]);
  });
});
