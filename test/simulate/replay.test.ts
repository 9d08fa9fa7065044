import { describe, expect, it } from 'vitest';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import { figuresOf, progressOf } from '../../src/simulate/figures.ts';
import type { Machine } from '../../src/simulate/machine.ts';
import { type Outcome, type Replay, replay } from '../../src/simulate/replay.ts';
import type { Trace } from '../../src/simulate/trace.ts';
import { Dice } from '../sim/dice.ts';
import { past, SECOND, spans, traceBy, traceOf } from './traces.ts';

const four: Machine = { nodes: [{ name: 'n', count: 4, cpus: 1 }] };
const fcfs: Policy = { ...defaultPolicy, backfill: 'off' };
const run = (trace: Trace, policy: Policy, machine = four) =>
  spans(replay(trace, machine, policy).outcomes);

describe('a replay', () => {
  const first = past('first', [0, 10, 10, 3]);
  const wide = past('wide', [1, 10, 10, 4]);

  it('lets a short job overtake a wide one that it does not hold up, or not, as wanted', () => {
    const trace = traceOf(first, wide, past('short', [2, 5, 5, 1]));
    expect(run(trace, fcfs)).toEqual({ first: [0, 10], wide: [10, 20], short: [20, 25] });
    expect(run(trace, defaultPolicy)).toEqual({ first: [0, 10], short: [2, 7], wide: [10, 20] });
  });

  it('goes by what was asked for, and has jobs end when they did', () => {
    // It says nine seconds, which is too long, and takes five.
    const trace = traceOf(first, wide, past('liar', [2, 5, 9, 1]));
    const late = { first: [0, 10], wide: [10, 20], liar: [20, 25] };
    expect(run(trace, defaultPolicy)).toEqual(late);
    // Who said too much leaves room before its time, for who waits.
    const soon = traceOf(past('first', [0, 4, 10, 3]), wide);
    expect(run(soon, defaultPolicy)).toEqual({ first: [0, 4], wide: [4, 14] });
    // Who said too little is not ended.
    const over = traceOf(past('first', [0, 30, 10, 3]), wide);
    expect(run(over, defaultPolicy)).toEqual({ first: [0, 30], wide: [30, 40] });
  });

  it('spreads processors evenly over as few nodes as bear them', () => {
    const machine: Machine = { nodes: [{ name: 'n', count: 3, cpus: 8 }] };
    const { outcomes } = replay(traceOf(past('ten', [0, 1, 1, 10])), machine, defaultPolicy);
    expect(outcomes[0]?.placement).toMatchObject({ nodes: ['n-1', 'n-2'], resources: { cpus: 5 } });
  });

  it('has those come that follow others when these have ended', () => {
    const trace = traceOf(
      past('one', [0, 10, 10, 4]),
      past('two', [1, 5, 5, 1], { after: { job: 0, thinkMs: 3 * SECOND } }),
      past('three', [30, 5, 5, 1], { after: { job: 0 } }),
    );
    expect(run(trace, fcfs)).toEqual({ one: [0, 10], two: [13, 18], three: [30, 35] });
    const two = replay(trace, four, fcfs).outcomes.find(({ job }) => job.name === 'two');
    expect(two?.submittedAt).toBe(13 * SECOND);
  });

  it('tells who never starts, and why; nobody waits for them', () => {
    const trace = traceOf(
      past('huge', [0, 1, 1, 5]),
      past('next', [0, 2, 2, 4]),
      past('heir', [1, 1, 1, 1], { after: { job: 0 } }),
    );
    const { outcomes, waiting } = replay(trace, four, fcfs);
    expect(spans(outcomes)).toEqual({ next: [0, 2] });
    expect(waiting.map(({ job, why }) => [job.name, why])).toEqual([
      ['huge', expect.stringContaining('4 of the 4 nodes here ever could')],
      ['heir', 'comes after job huge, which never ran'],
    ]);
  });

  it('makes clusters where no node has room, which boot, and cost', () => {
    const flavors = [{ name: 'two', cpus: 2, price: 3.6 }];
    const site = { name: 'sky', clusters: 1, cpus: 8, bootMs: 20 * SECOND, flavors };
    const machine = { ...four, sites: [{ ...site, billingUnitMs: 60 * SECOND }] };
    const trace = traceOf(first, past('away', [1, 50, 50, 2]), past('stays', [2, 5, 5, 3]));
    const { outcomes } = replay(trace, machine, defaultPolicy);
    // The only cluster that the site makes is in use; the nodes are free before it is.
    expect(spans(outcomes)).toEqual({ first: [0, 10], stays: [10, 15], away: [21, 71] });
    // Two nodes for seventy seconds, of which two minutes are billed.
    expect(figuresOf({ outcomes, waiting: [] }, machine).cost).toBeCloseTo(2 * 3.6 * (2 / 60), 9);
  });

  it('keeps bounds, queues and shares, as the policy has them', () => {
    const trace = traceOf(
      ...['a', 'b', 'c'].map((name) => past(name, [0, 10, 10, 1], { queue: '7' })),
      past('d', [0, 10, 10, 1], { queue: 'unknown' }),
    );
    const bounded = { ...defaultPolicy, queues: { 7: { limits: { jobs: 2 } } } };
    expect(run(trace, bounded)).toEqual({ a: [0, 10], b: [0, 10], c: [10, 20], d: [0, 10] });

    const fair = { ...defaultPolicy, fairShare: { weight: 10, halfLifeMs: 3_600_000 } };
    const shared = traceOf(
      past('much', [0, 100, 100, 4], { account: '1' }),
      past('again', [1, 10, 10, 4], { account: '1' }),
      past('other', [2, 10, 10, 4], { account: '2' }),
    );
    expect(run(shared, defaultPolicy)['again']).toEqual([100, 110]);
    expect(run(shared, fair)['other']).toEqual([100, 110]);
  });

  it('looks again when a reservation ends', () => {
    const reservations = [
      { name: 'r', nodes: ['*'], from: '1970-01-01T00:00Z', until: '1970-01-01T00:05Z' },
    ];
    const trace = traceOf(past('one', [0, 10, 10, 1]));
    expect(run(trace, { ...defaultPolicy, reservations })).toEqual({ one: [300, 310] });
  });
});

describe('figures', () => {
  const trace = traceOf(
    past('first', [0, 10, 10, 3]),
    past('wide', [1, 10, 10, 4]),
    past('short', [2, 4, 5, 1]),
  );
  const replayed = replay(trace, four, fcfs);

  it('are as computed by hand', () => {
    expect(figuresOf(replayed, four)).toEqual({
      ...{ jobs: 3, never: 0, makespanMs: 24 * SECOND, cost: 0 },
      // They waited 0, 9 and 18 seconds.
      ...{ waitMeanMs: 9 * SECOND, waitMedianMs: 9 * SECOND, wait95Ms: 18 * SECOND },
      // Of the short one ten seconds count.
      slowdown: (1 + 19 / 10 + 22 / 10) / 3,
      utilisation: (3 * 10 + 4 * 10 + 4) / (4 * 24),
    });
  });

  it('over time are means of each step', () => {
    const span = { from: 0, until: 24 * SECOND, steps: 3 };
    const { stepMs, utilisation, queue } = progressOf(replayed, four, span);
    expect(stepMs).toBe(8 * SECOND);
    // From 0 to 8, to 16, to 24 s: 3 used; 3 for two seconds and 4; 4 for four and 1 for four.
    expect(utilisation).toEqual([24 / 32, (6 + 24) / 32, (16 + 4) / 32]);
    expect(queue).toEqual([(7 + 6) / 8, (2 + 8) / 8, 4 / 8]);
  });

  it('of nothing are nothing', () => {
    expect(figuresOf({ outcomes: [], waiting: [] }, four)).toMatchObject({
      ...{ jobs: 0, waitMeanMs: 0, slowdown: 0, utilisation: 0, makespanMs: 0 },
    });
  });
});

describe('properties of replays, by dice', () => {
  const machine: Machine = {
    nodes: [
      { name: 'a', count: 20, cpus: 2 },
      { name: 'b', count: 4, cpus: 3 },
    ],
  };
  const policies: Readonly<Record<string, Policy>> = {
    fcfs,
    easy: defaultPolicy,
    all: { ...defaultPolicy, backfill: 'conservative', place: 'spread' },
    fair: { ...defaultPolicy, fairShare: { weight: 9, halfLifeMs: 60_000 }, perUser: { cpus: 44 } },
  };

  it.each(Object.entries(policies))('hold under %s', (_, policy) => {
    let waited = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const trace = traceBy(new Dice(seed), 40);
      const replayed = replay(trace, machine, policy);
      const wrong = flawIn(trace, machine, replayed);
      expect(wrong, `seed ${seed}`).toBe('');
      expect(replay(trace, machine, policy)).toEqual(replayed);
      waited += replayed.outcomes.filter((each) => each.startedAt > each.submittedAt).length;
    }
    expect(waited).toBeGreaterThan(150);
  });

  it('first come, first served, nobody starts before who came before', () => {
    for (let seed = 1; seed <= 150; seed++) {
      // Of one that does not say how long it runs nobody knows who waits for it.
      const jobs = traceBy(new Dice(seed), 40).jobs.map((job) => ({
        ...job,
        walltimeMs: job.walltimeMs || SECOND,
      }));
      const { outcomes } = replay(traceOf(...jobs), machine, fcfs);
      const byCome = outcomes.toSorted((a, b) => a.submittedAt - b.submittedAt);
      const late = byCome.find((each) =>
        byCome.some((b) => b.submittedAt < each.submittedAt && b.startedAt > each.startedAt),
      );
      expect(late?.job.name, `seed ${seed}`).toBeUndefined();
    }
  });
});

/** What no replay may do. */
function flawIn({ jobs }: Trace, machine: Machine, { outcomes, waiting }: Replay): string {
  if (outcomes.length + waiting.length !== jobs.length) return 'a job is lost, or doubled';
  if (new Set(outcomes.map(({ job }) => job.name)).size !== outcomes.length) return 'one ran twice';
  const tooLarge = (name: string): boolean => {
    const job = jobs.find((each) => each.name === name)!;
    const isLarge = job.wants.is === 'processors' && job.wants.count > 40;
    return isLarge || (job.after !== undefined && tooLarge(jobs[job.after.job]!.name));
  };
  const stuck = waiting.find(({ job }) => !tooLarge(job.name));
  if (stuck !== undefined) return `${stuck.job.name} waits for ever: ${stuck.why}`;
  const instants = new Set(outcomes.flatMap((each) => [each.submittedAt, each.endedAt]));
  for (const { job, submittedAt, startedAt, endedAt } of outcomes) {
    if (startedAt < submittedAt || submittedAt < job.submittedAt) return `${job.name} is early`;
    if (endedAt - startedAt !== job.runMs) return `${job.name} did not run as long as it did`;
    if (!instants.has(startedAt)) return `${job.name} started when nothing happened`;
  }
  return overfull(machine, outcomes);
}

/** A node on which more is held at an instant than it has. */
function overfull({ nodes }: Machine, outcomes: readonly Outcome[]): string {
  const cpus = new Map<string, number>(
    nodes.flatMap(({ name, count, cpus: of }) =>
      Array.from({ length: count }, (_, at) => [`${name}-${at + 1}`, of] as const),
    ),
  );
  for (const { startedAt } of outcomes) {
    const held = new Map<string, number>();
    for (const { placement, startedAt: from, endedAt: until } of outcomes)
      if (from <= startedAt && startedAt < until)
        for (const node of placement.nodes)
          held.set(node, (held.get(node) ?? 0) + placement.resources.cpus);
    for (const [node, of] of held)
      if (of > (cpus.get(node) ?? 0)) return `${node} has ${of} held at ${startedAt}`;
  }
  return '';
}
