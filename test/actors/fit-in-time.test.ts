import { describe, expect, it } from 'vitest';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import { Dice } from '../sim/dice.ts';
import { job, node, resources } from './pictures.ts';
import { play, type Task } from './schedule.ts';
import { STEP } from './worlds.ts';

const nodesOf = (...cpus: number[]) =>
  cpus.map((count, i) =>
    node(`n${i}`, count, { free: resources(count, 0, 0), total: resources(count, 0, 0) }),
  );

/** Jobs by dice that end when they said, or sooner. */
function tasks(dice: Dice, count: number, most: number): Task[] {
  return Array.from({ length: count }, (_, n) => {
    const walltimeMs = STEP * dice.between(1, 6);
    const nodes = dice.chance(0.2) ? 2 : 1;
    const asked = { cpus: dice.between(1, most), nodes, walltimeMs };
    const runsMs = dice.chance(0.5) ? walltimeMs : dice.between(1, walltimeMs);
    return { job: job(n, asked, { submittedAt: STEP * dice.between(0, 8) }), runsMs };
  });
}

describe('a start that was promised', () => {
  it.each(['easy', 'conservative'] as const)(
    'is never put off by whom it lets overtake: %s',
    (backfill) => {
      let promises = 0;
      for (let seed = 1; seed <= 400; seed++) {
        const dice = new Dice(seed);
        const { passes, starts } = play(nodesOf(4, 4, 2), tasks(dice, 14, 4), {
          backfill,
          reserve: 2,
        });
        const first = new Map<string, number>();
        for (const { passed } of passes) {
          // Only the first of the plan has nobody of an older promise before it.
          const [head] = passed.plan;
          if (head === undefined) continue;
          first.set(head.id, Math.min(first.get(head.id) ?? Number.POSITIVE_INFINITY, head.at));
        }
        for (const [id, at] of first) {
          promises++;
          expect(starts.get(id), `seed ${seed}: ${id}`).toBeLessThanOrEqual(at);
        }
      }
      expect(promises).toBeGreaterThan(400);
    },
  );

  it('is what lets short jobs through and keeps long ones back', () => {
    const of = (n: number, cpus: number, minutes: number, from = 0): Task => ({
      job: job(n, { cpus, walltimeMs: minutes * STEP }, { submittedAt: from }),
      runsMs: minutes * STEP,
    });
    const jobs = [of(1, 3, 5), of(2, 4, 5, 1), of(3, 1, 4, 2), of(4, 1, 6, 3)];
    const startsBy = (backfill: 'off' | 'easy') => {
      const { starts } = play(nodesOf(4), jobs, { backfill });
      return jobs.map(({ job: { id } }) => Math.floor((starts.get(id) ?? -1) / STEP));
    };
    expect(startsBy('easy')).toEqual([0, 5, 0, 10]);
    expect(startsBy('off')).toEqual([0, 5, 10, 10]);
  });
});

describe('fair share', () => {
  const busy = (account: string, from: number, minutes: number): Task[] =>
    Array.from({ length: 400 }, (_, n) => ({
      job: job(from + n, { account, cpus: 1, walltimeMs: minutes * STEP }, { submittedAt: 0 }),
      runsMs: minutes * STEP,
    }));
  const fairShare = { weight: 100, halfLifeMs: 60 * STEP };

  /** What each account has had of the nodes by then. */
  function used(all: readonly Task[], policy: Parameters<typeof play>[2]) {
    const until = 120 * STEP;
    const { starts } = play(nodesOf(4), all, { fairShare, ...policy }, until);
    const sums: Record<string, number> = {};
    for (const { job: each, runsMs } of all) {
      const start = starts.get(each.id);
      if (start === undefined) continue;
      const { account } = each.spec;
      sums[account] = (sums[account] ?? 0) + Math.min(runsMs, until - start);
    }
    return sums;
  }

  it('gives accounts of equal shares as much, whatever the length of their jobs', () => {
    const { a = 0, b = 0 } = used([...busy('a', 0, 3), ...busy('b', 1_000, 7)], {});
    expect(a / b).toBeGreaterThan(0.9);
    expect(a / b).toBeLessThan(1.1);
  });

  it('gives an account of three shares three times as much, and divides what is above', () => {
    const accounts = {
      top: { shares: 3 },
      c: { parent: 'top' },
      d: { parent: 'top', shares: 2 },
      e: { shares: 1 },
    };
    const jobs = [...busy('c', 0, 3), ...busy('d', 1_000, 3), ...busy('e', 2_000, 3)];
    const { c = 0, d = 0, e = 0 } = used(jobs, { accounts });
    expect((c + d) / e).toBeGreaterThan(2.5);
    expect((c + d) / e).toBeLessThan(3.5);
    expect(d / c).toBeGreaterThan(1.6);
    expect(d / c).toBeLessThan(2.4);
  });
});

/** The best that any order of the jobs comes to, each started as soon as it fits. */
function best(nodes: ReturnType<typeof nodesOf>, all: readonly Task[]): number {
  let least = Number.POSITIVE_INFINITY;
  const visit = (order: readonly Task[], rest: readonly Task[]): void => {
    if (rest.length === 0) {
      const inOrder = order.map((task, n) => ({
        ...task,
        job: { ...task.job, submittedAt: 0, spec: { ...task.job.spec, priority: -n } },
      }));
      for (const backfill of ['off', 'conservative'] as const)
        least = Math.min(least, play(nodes, inOrder, { backfill }).end);
      return;
    }
    for (const task of rest)
      visit(
        [...order, task],
        rest.filter((other) => other !== task),
      );
  };
  visit([], all);
  return least;
}

it('uses the nodes nearly as well as the best order of the jobs that there is', () => {
  let [ours, theirs] = [0, 0];
  for (let seed = 1; seed <= 25; seed++) {
    const dice = new Dice(seed);
    const all = tasks(dice, 4, 3).map(({ job: each, runsMs }): Task => {
      const walltimeMs = runsMs;
      const spec: Waiting['spec'] = { ...each.spec, walltimeMs };
      return { job: { ...each, submittedAt: 0, spec }, runsMs };
    });
    const nodes = nodesOf(3, 2);
    const work = all.reduce(
      (sum, { job: { spec }, runsMs }) => sum + spec.nodes * spec.cpus * runsMs,
      0,
    );
    ours += work / (play(nodes, all, {}).end * 5);
    theirs += work / (best(nodes, all) * 5);
  }
  expect(ours / theirs).toBeGreaterThan(0.94);
});

/** All that can be put on the nodes at once, by trying everything. */
function most(free: readonly number[], asked: readonly number[]): number {
  const [first, ...rest] = asked;
  if (first === undefined) return 0;
  const total = free.reduce((sum, left) => sum + left, 0);
  let found = most(free, rest);
  for (const [at, left] of free.entries())
    if (found < total && left >= first)
      found = Math.max(found, first + most(free.with(at, left - first), rest));
  return found;
}

it('leaves at most one cpu of fifty free that any choice would use, where many wait', () => {
  let [ours, theirs] = [0, 0];
  for (let seed = 1; seed <= 150; seed++) {
    const dice = new Dice(seed);
    const nodes = nodesOf(dice.between(3, 8), dice.between(3, 8), dice.between(3, 8));
    const asked = Array.from({ length: 9 }, () => dice.between(1, dice.pick([1, 2, 4])));
    const all = asked.map(
      (cpus, n): Task => ({ job: job(n, { cpus }, { submittedAt: 0 }), runsMs: STEP }),
    );
    const { place } = play(nodes, all).passes[0]?.passed ?? { place: [] };
    ours += place.reduce((sum, { placement }) => sum + placement.resources.cpus, 0);
    theirs += most(
      nodes.map(({ free }) => free.cpus),
      asked,
    );
  }
  expect(ours / theirs).toBeGreaterThan(0.98);
});
