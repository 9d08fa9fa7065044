import { describe, expect, it } from 'vitest';
import { diceOf } from '../../src/actors/scheduler/dice.ts';
import { drawn, pastOf } from '../../src/actors/scheduler/past.ts';
import type { ClusterNews } from '../../src/actors/scheduler/scheduler.ts';
import { scheduler } from '../../src/actors/scheduler/scheduler.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import { Wondering, waits } from './foresight.ts';
import { idOf, job, resources, site } from './pictures.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { spec } from './things.ts';
import { tenure } from './worlds.ts';

const HOUR = 3_600_000;
const ID = idOf(1);
/** A node of four cpus, of which others hold so many, for so long; 0: nobody said. */
const news = (held: number, askedMs = HOUR): ClusterNews => ({
  ...{ cluster: 'here', open: true, claimed: null, made: null },
  nodes: [{ name: 'n1', up: true, free: resources(4 - held), total: resources(4), ports: [] }],
  holds:
    held === 0
      ? []
      : [
          {
            ...{
              job: idOf(9),
              attempt: 1,
              resources: resources(held, 0, 0),
              ports: [],
              nodes: ['n1'],
            },
            ...{ since: NOW, tenure: tenure({ owner: 'ben', walltimeMs: askedMs }) },
          },
        ],
});
const wants = (asked: Partial<Spec>) => ({ memoryBytes: 0, walltimeMs: HOUR, ...asked });

function waitingIn(
  held: ClusterNews,
  asked: Partial<Spec>,
  policy: Partial<Policy> = {},
): Wondering {
  const args = { policy: { ...defaultPolicy, ...policy }, relocate: 'asked', remotes: [] } as const;
  const wondering = new Wondering(args, NOW);
  wondering.hear('scheduler.cluster', held, NOW);
  wondering.hear('scheduler.job', waits(job(1, wants(asked), { owner: 'ann' })), NOW);
  wondering.pass(NOW);
  return wondering;
}

const foresee = (change: Partial<Body<'scheduler.foresee'>> = {}, ask = 7) =>
  told('scheduler.foresee', { job: ID, spec: null, owner: 'ann', wants: 'start', ...change }, ask);

describe('a scheduler that is asked what is to come', () => {
  const on = (held: number) => {
    const args = { relocate: 'asked', remotes: [], policy: defaultPolicy } as const;
    const stage = new Stage(scheduler, scheduler.init(args, NOW));
    stage.hears(
      told('scheduler.cluster', news(held)),
      told('scheduler.job', waits(job(1, wants({ cpus: 2 }), { owner: 'ann' }))),
    );
    return stage;
  };
  const nothing = '{"waits":false,"reasons":[],"change":null,"start":null,"placement":null}';

  it('says nothing of who does not wait, or has its place already', () => {
    const stage = on(0);
    expect(stage.hear(foresee({ job: idOf(5) })).effects).toEqual([`reply 7 ${nothing}`]);
    stage.hear({ is: 'pass', at: stage.state.passAt });
    expect(stage.hear(foresee()).effects).toEqual([`reply 7 ${nothing}`]);
  });

  it('has a task look ahead, and answers with what that found', () => {
    const stage = on(3);
    expect(stage.hear(foresee()).effects).toEqual(['run foresee (7)']);
    expect(stage.hear(done('foresee', { waits: true }, '7')).effects).toEqual([
      'reply 7 {"waits":true}',
    ]);
  });

  it('works on so many questions at once, and says so to the next', () => {
    const stage = on(3);
    for (let i = 1; i <= limits.foreseesMax; i++)
      expect(stage.hear(foresee({}, i)).effects).toEqual([`run foresee (${i})`]);
    const busy = stage.hear(foresee({}, 9)).effects;
    expect(busy).toEqual([expect.stringMatching(/^refuse 9 busy/)]);
    // One that came to nothing makes room as well.
    const why = failure('bug', 'it threw');
    expect(stage.hear(failed('foresee', why, '2')).effects).toEqual([
      expect.stringMatching(/^refuse 2 bug/),
    ]);
    expect(stage.hear(foresee({}, 9)).effects).toEqual(['run foresee (9)']);
  });
});

describe('what would start a job', () => {
  it.each([
    ['fewer cpus', 3, { cpus: 2 }, {}, { directive: 'cpus', value: '1' }],
    ['fewer nodes', 0, { nodes: 2 }, {}, { directive: 'nodes', value: '1' }],
    ['not the label', 0, { constraint: ['fast'] }, {}, { directive: 'constraint', value: '' }],
    ['not its gang', 0, { gang: 'g', gangSize: 2 }, {}, { directive: 'gang', value: '' }],
    [
      'a time that ends before a reservation',
      0,
      { walltimeMs: 4 * HOUR },
      {
        reservations: [
          {
            ...{ name: 'x', nodes: ['*'], until: '2099-01-01T00:00:00Z' },
            from: new Date(NOW + 2 * HOUR).toISOString().replace('.000', ''),
          },
        ],
      },
      { directive: 'time', value: '119m' },
    ],
  ])('%s', async (_, held, asked, policy, change) => {
    const wondering = waitingIn(news(held), asked, policy);
    expect((await wondering.foresee({ job: ID }, NOW)).change).toMatchObject({
      does: 'ask',
      ...change,
    });
  });

  it('is nothing where nothing helps, or where nothing stands in its way', async () => {
    const down = { ...news(0), nodes: news(0).nodes.map((node) => ({ ...node, up: false })) };
    const lost = await waitingIn(down, {}).foresee({ job: ID }, NOW);
    expect(lost).toMatchObject({ waits: true, change: null });
    expect(lost.reasons).toHaveLength(1);
    const free = waitingIn(news(4), {});
    free.hear('scheduler.cluster', news(0), NOW);
    expect(await free.foresee({ job: ID }, NOW)).toMatchObject({ reasons: [], change: null });
  });

  it('is a cluster at a site rather than the end of another job of its owner', async () => {
    const held = news(4);
    const mine = { ...held, holds: (held.holds ?? []).map((h) => ({ ...h, tenure: tenure() })) };
    const wondering = waitingIn(mine, { cpus: 1 });
    const cancel = await wondering.foresee({ job: ID }, NOW);
    expect(cancel.change).toEqual({ does: 'cancel', directive: '', value: '', job: idOf(9) });
    const { clusters: _, cpus: __, ...offers } = site();
    wondering.hear('scheduler.site', offers as Body<'scheduler.site'>, NOW);
    const { change, reasons } = await wondering.foresee({ job: ID }, NOW);
    expect(change).toMatchObject({ does: 'ask', directive: 'relocatable', value: 'yes' });
    expect(reasons.at(-1)).toBe(
      'cloud would make 1 × small for it, for 0.1 an hour, by `relocatable`',
    );
    // Of jobs of others nobody is told to end them.
    const theirs = waitingIn(news(4), { cpus: 1 });
    expect((await theirs.foresee({ job: ID }, NOW)).change).toBeNull();
  });
});

describe('when a job starts', () => {
  it('is within what the one before it has asked for, the same each time', async () => {
    const wondering = waitingIn(news(4), {});
    const asked = () => wondering.foresee({ job: ID, wants: 'start' }, NOW);
    const { start, placement } = await asked();
    expect(start?.from).toBeGreaterThan(NOW);
    expect(start?.until).toBeGreaterThan(start?.likely ?? NOW);
    expect(start?.until).toBeLessThan(NOW + HOUR);
    expect(placement?.nodes).toEqual(['n1']);
    expect((await asked()).start).toEqual(start);
  });

  it('is known by nobody who waits for what says no time; others’ times are better', async () => {
    const wondering = waitingIn(news(4, 0), {});
    const none = await wondering.foresee({ job: ID, wants: 'start' }, NOW);
    expect(none.start).toEqual({ from: null, likely: null, until: null });
    const past = pastOf([{ owner: 'zoe', askedMs: 0, tookMs: HOUR }]);
    const { start } = await wondering.foresee({ job: ID, wants: 'start' }, NOW, past);
    expect(start).toEqual({ from: NOW + HOUR, likely: NOW + HOUR, until: NOW + HOUR });
  });

  it('is now for a script that has room; and nobody hears of it afterwards', async () => {
    const wondering = waitingIn(news(2), { cpus: 4 });
    const before = wondering.state;
    const small = spec(wants({ cpus: 2, walltimeMs: 60_000 }));
    const { start, placement } = await wondering.foresee({ spec: small, wants: 'start' }, NOW);
    expect(start).toEqual({ from: NOW, likely: NOW, until: NOW });
    expect(placement?.nodes).toEqual(['n1']);
    expect(wondering.state).toEqual(before);
  });
});

describe('how long a job takes', () => {
  const of = (owner: string, ranMs = 0) => ({ owner, askedMs: 100, ranMs });
  const many = (past: ReturnType<typeof pastOf>, whose: ReturnType<typeof of>) => {
    const dice = diceOf(1, 'x');
    return Array.from({ length: 2_000 }, () => drawn(past, whose, dice));
  };
  const runs = (owner: string, count: number, tookMs: number) =>
    Array.from({ length: count }, () => ({ owner, askedMs: 100, tookMs }));

  it('is drawn from its owner’s jobs the more often the more there are', () => {
    const past = pastOf([...runs('ann', limits.ownPast, 10), ...runs('ben', 200, 90)]);
    const own = many(past, of('ann')).filter((ms) => ms === 10).length;
    // A half of her own, and a 21st of the other half.
    expect(own).toBeGreaterThan(900);
    expect(own).toBeLessThan(1_200);
  });

  it('is longer than it has run already, and any part of its time where nothing is known', () => {
    const past = pastOf([...runs('ann', 50, 10), ...runs('ann', 50, 60)]);
    expect(new Set(many(past, of('ann', 20)))).toEqual(new Set([60]));
    const unknown = many(pastOf([]), of('ann', 20));
    expect(Math.min(...unknown)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...unknown)).toBeLessThanOrEqual(100);
    expect(unknown.filter((ms) => ms < 60).length).toBeGreaterThan(900);
  });
});
