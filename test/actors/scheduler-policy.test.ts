import { describe, expect, it } from 'vitest';
import { keeping as jobKeeping } from '../../src/actors/job/keeping.ts';
import { type Scheduler, scheduler } from '../../src/actors/scheduler/scheduler.ts';
import { schedulerTasks } from '../../src/actors/scheduler/tasks.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import { memoryStore } from './memory.ts';
import { done, NOW, Stage, told } from './stage.ts';
import { aJob, ID, OTHER, onNodes, spec } from './things.ts';
import { tenure } from './worlds.ts';

const resources = (cpus: number) => ({ cpus, memoryBytes: 0, gpus: 0 });
type Held = NonNullable<Body<'scheduler.cluster'>['holds']>[number];
const hold = (job: string, of: Partial<Held['tenure'] & object> = {}): Held => ({
  ...{ job, attempt: 1, ports: [], nodes: ['n1'], resources: resources(2), since: NOW },
  tenure: tenure(of),
});
const cluster = (free: number, holds: Held[] = []) =>
  told('scheduler.cluster', {
    ...{ cluster: 'here', open: true, claimed: null, made: null, holds },
    nodes: [{ name: 'n1', up: true, free: resources(free), total: resources(2), ports: [] }],
  });
const waits = (id: string, asked: Partial<Spec> = {}, submittedAt = NOW) =>
  told('scheduler.job', {
    id,
    waits: { attempt: 1, submittedAt, notBefore: 0, spec: spec(asked), owner: 'ann' },
  });
const on = (change?: Partial<Policy>) => {
  const policy = change ? { ...defaultPolicy, ...change } : defaultPolicy;
  const args = { relocate: 'asked', remotes: [], policy } as const;
  return new Stage<Scheduler>(scheduler, scheduler.init(args, NOW));
};
const booking = (from: string, until: string) => ({ name: 'r', nodes: ['*'], from, until });
const pass = (stage: Stage<Scheduler>) =>
  stage.hear({ is: 'pass', at: stage.state.passAt }, stage.state.passAt - NOW);
const why = (stage: Stage<Scheduler>, id: string): string =>
  JSON.parse(
    (
      stage.hear(told('scheduler.why', { ids: [id] }, 3), stage.state.passAt - NOW).effects[0] ?? ''
    ).replace('reply 3 ', ''),
  ).reasons[id];
const placed = (id: string) => `tell /jobs/${id} job.place`;

describe('another policy', () => {
  it('is answered, and holds for all who wait already', () => {
    const stage = on({ perUser: { jobs: 0 } });
    stage.hears(cluster(2), waits(ID));
    expect(pass(stage).effects).not.toContain(placed(ID));
    expect(why(stage, ID)).toBe('needs one job more, and user ann holds 0 of 0');
    const next = told('scheduler.policy', { policy: defaultPolicy }, 4);
    expect(stage.hear(next, 10).effects).toEqual(['reply 4 {}', 'after 2 pass']);
    expect(pass(stage).effects).toContain(placed(ID));
  });

  it.each<[Partial<Policy>, string]>([
    [
      { accounts: { a: { parent: 'b' }, b: { parent: 'a' } } },
      'accounts.a.parent: it is a part of itself, by a of b',
    ],
    [{ accounts: { a: { parent: 'c' } } }, 'accounts.a.parent: there is no account c'],
    [
      { reservations: [booking('2026-12-01T00:00:00Z', '2026-11-30T00:00:00Z')] },
      'reservations.0: it ends at 2026-11-30T00:00:00Z, which is not after 2026-12-01T00:00:00Z',
    ],
    [
      { reservations: [booking('2026-13-01T00:00Z', '2027-01-01T00:00Z')] },
      'reservations.0: 2026-13-01T00:00Z is no instant',
    ],
  ])('of %j is refused', (change, text) => {
    const stage = on();
    const policy = { ...defaultPolicy, ...change };
    expect(stage.hear(told('scheduler.policy', { policy }, 4)).effects).toEqual([
      `refuse 4 malformed: ${text}`,
    ]);
    expect(stage.state.policy).toBe(defaultPolicy);
  });

  it('may put others first', () => {
    const stage = on();
    stage.hears(cluster(0), waits(ID, { cpus: 2 }), waits(OTHER, { cpus: 2, queue: 'fast' }));
    pass(stage);
    const policy = { ...defaultPolicy, queues: { fast: { weight: 5 } } };
    stage.hear(told('scheduler.policy', { policy }, 4));
    stage.hear(cluster(2), 10);
    expect(pass(stage).effects).toContain(placed(OTHER));
  });
});

describe('a check', () => {
  const queues = {
    short: { timeMaxMs: 60_000 },
    long: { timeDefaultMs: 5_000, users: ['ben'] },
  };
  it.each<[Partial<Spec>, string, string]>([
    [{ queue: 'short' }, 'ann', '{"impossible":"","walltimeMs":60000}'],
    [{ queue: 'short', walltimeMs: 1_000 }, 'ann', '{"impossible":""}'],
    [
      { queue: 'short', walltimeMs: 60_001 },
      'ann',
      '{"impossible":"jobs of queue short may run for 60 s at most"}',
    ],
    [{ queue: 'long' }, 'ben', '{"impossible":"","walltimeMs":5000}'],
    [
      { queue: 'long' },
      'ann',
      '{"impossible":"queue long is not for this user and account","walltimeMs":5000}',
    ],
    [{ queue: 'night' }, 'ann', '{"impossible":"there is no queue night, only short, long"}'],
    [
      { queue: 'constructor' },
      'ann',
      '{"impossible":"there is no queue constructor, only short, long"}',
    ],
    [
      { countables: { toString: 1 } },
      'ann',
      '{"impossible":"needs 1 node with 1 cpu, 1 toString; 0 of the 1 nodes here ever could"}',
    ],
    [
      { constraint: ['fast'] },
      'ann',
      '{"impossible":"needs 1 node labelled fast with 1 cpu; 0 of the 1 nodes here ever could"}',
    ],
  ])('of %j by %s', (asked, owner, answer) => {
    const stage = on({ queues });
    stage.hear(cluster(0));
    const check = told('scheduler.check', { spec: spec(asked), owner }, 7);
    expect(stage.hear(check).effects).toEqual([`reply 7 ${answer}`]);
  });
});

describe('a pass that throws', () => {
  it('is abandoned: all wait, hear why, and are looked at again', () => {
    const stage = on();
    const bad = cluster(2);
    const [node] = (bad.message.body as Body<'scheduler.cluster'>).nodes;
    Object.assign(node as object, { free: null });
    stage.hears(bad, waits(ID));
    const { effects } = pass(stage);
    expect(effects).toHaveLength(2);
    expect(effects[0]).toMatch(/^note/);
    expect(effects[1]).toBe(`after ${limits.faultMs} pass`);
    expect(why(stage, ID)).toMatch(/^the scheduler has failed, and tries again: TypeError/);
    stage.hear(cluster(2), 20);
    expect(pass(stage).effects).toContain(placed(ID));
    expect(stage.state.fault).toBe('');
  });
});

describe('preemption', () => {
  const policy = { preemption: { by: 'cancel', graceMs: 7_000 } } as const;
  const lower = hold(OTHER, { preemptible: true });

  it('asks once, keeps what is left for whom it is, and asks again who has not heard', () => {
    const stage = on(policy);
    stage.hears(cluster(0, [lower]), waits(ID, { cpus: 2, priority: 1 }));
    const asked = `tell /jobs/${OTHER} job.preempt`;
    expect(pass(stage).effects).toContain(asked);
    expect(stage.sent('job.preempt')).toEqual({
      ...{ job: OTHER, attempt: 1, by: 'cancel', for: ID, graceMs: 7_000 },
    });
    expect(why(stage, ID)).toMatch(/; 0 free now; others make room for it; room is kept for it/);
    stage.hear(waits('33333333-2222-7333-8444-555555555555', { cpus: 1 }), 20);
    expect(pass(stage).effects).not.toContain(asked);
    // It wakes by itself when its time was up long ago.
    expect(stage.state.passAt).toBeLessThanOrEqual(NOW + 2 + 7_000 + limits.preemptAgainMs + 1);
    expect(pass(stage).effects).toContain(asked);
    stage.hear(cluster(2), 90_000);
    expect(pass(stage).effects).toContain(placed(ID));
    expect(stage.state.preempted).toEqual([]);
  });

  it.each<[string, Held, Partial<Spec>]>([
    ['of the same priority', lower, { priority: 0 }],
    ['that does not let itself', hold(OTHER), { priority: 1 }],
    ['whose room would not help', lower, { priority: 1, constraint: ['fast'] }],
  ])('spares one %s', (_, held, asked) => {
    const stage = on(policy);
    stage.hears(cluster(0, [held]), waits(ID, { cpus: 2, ...asked }));
    expect(pass(stage).effects.filter((effect) => effect.includes('preempt'))).toEqual([]);
  });
});

describe('fair share', () => {
  it('reads what was used before, page by page, once it is asked for', async () => {
    const store = memoryStore();
    const ended = (id: string, at: number, account: string) =>
      store.keep(
        jobKeeping,
        `/jobs/${id}`,
        aJob(
          {
            ...{ id, phase: 'ended', since: at, startedAt: at - 1_000, endedAt: at },
            placement: onNodes('n1'),
          },
          { account },
        ),
      );
    ended(ID, NOW - 10, 'lab');
    ended(OTHER, NOW - 10_000_000, 'old');
    const context = { signal: new AbortController().signal, emit: () => {}, path: '/scheduler' };
    const page = await schedulerTasks(store, async () => {}).usage(
      { since: NOW - 1_000_000, until: NOW, after: '' },
      context,
    );
    expect(page).toEqual({ ended: [{ account: 'lab', amount: 1_000, at: NOW - 10 }], next: null });

    const stage = on();
    expect(stage.entered()).not.toContain('run usage');
    const shares = { ...defaultPolicy, fairShare: { weight: 1, halfLifeMs: 1_000 } };
    const asked = told('scheduler.policy', { policy: shares }, 4);
    expect(stage.hear(asked, 0).effects).toContain('run usage');
    const next = { since: 0, until: NOW, after: 'x' };
    expect(stage.hear(done('usage', { ...page, next }), 5).effects).toEqual(['after 0 usage']);
    expect(stage.hear({ is: 'usage', ...next }, 5).effects).toEqual(['run usage']);
    stage.hear(done('usage', page), 6);
    expect(stage.state.usage.get('lab')).toEqual({ amount: 2_000, at: NOW - 10 });
    expect(stage.hear(told('scheduler.policy', { policy: shares }, 4), 7).effects).not.toContain(
      'run usage',
    );
  });

  it('counts what has ended, and lets go first who had less', () => {
    const fairShare = { weight: 10, halfLifeMs: 3_600_000 };
    const stage = on({ fairShare });
    stage.hear(cluster(0, [hold(OTHER, { account: 'lab' })]));
    stage.hears(
      waits(ID, { cpus: 2, account: 'lab' }, NOW - 9),
      waits(OTHER.replace('1', '2'), { cpus: 2, account: 'firm' }),
    );
    pass(stage);
    stage.hear(cluster(2), 100_000);
    expect(stage.state.usage.get('lab')?.amount).toBe(2 * 100_000);
    expect(pass(stage).effects).toContain(placed(OTHER.replace('1', '2')));
  });
});
