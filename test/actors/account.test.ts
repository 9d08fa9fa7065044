import { describe, expect, it } from 'vitest';
import { type Account, accountWith, costAt, overAt } from '../../src/actors/account/account.ts';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { claimOf, MADE, made } from './clusters.ts';
import { answered, done, NOW, Stage, told, unanswered } from './stage.ts';
import { aJob, ID, liveJob, onMade } from './things.ts';

const MINUTE = 60_000;
/** One a minute. */
const rate = { perHour: 60, unitMs: MINUTE };
const chargeOf = (change: Partial<Body<'account.charge'>> = {}): Body<'account.charge'> => ({
  account: 'lab',
  cluster: 'a',
  life: 1,
  since: NOW,
  until: 0,
  ...rate,
  ...change,
});
const says = (change: Partial<Body<'account.charge'>> = {}) =>
  told('account.charge', chargeOf(change), 5);
const on = (budget?: number, change: Partial<Account> = {}) => {
  const machine = accountWith(new Map(budget === undefined ? [] : [['lab', budget]]));
  return new Stage<Account>(machine, { ...machine.init(chargeOf(), NOW), ...change });
};
const OVER = { is: 'over' };
const WHY = 'account lab has cost 3 of its budget of 3';

describe('an account', () => {
  it('counts each life of a cluster once, however often it hears of it', () => {
    const stage = on();
    expect(stage.hear(says()).effects).toEqual(['reply 5 {}']);
    expect(stage.hear(says())).toMatchObject({ moved: false, effects: ['reply 5 {}'] });
    stage.hear(says({ life: 2, since: NOW + MINUTE }));
    expect(costAt(stage.state, NOW + 2 * MINUTE)).toBe(3);
    const until = NOW + 2 * MINUTE;
    for (let i = 0; i < 2; i++) stage.hear(says({ until }), 9 * MINUTE);
    expect(stage.state).toMatchObject({ spent: 2, charges: [{ life: 2 }] });
    expect(stage.entered()).toEqual([]);
  });

  it('has all of it stopped before another unit is too much, jobs first', () => {
    const stage = on(7, { spent: 1 });
    stage.hear(says());
    expect(stage.hear(says({ cluster: 'b' })).effects).toEqual([
      'reply 5 {}',
      `after ${3 * MINUTE} over`,
    ]);
    expect(stage.hear(OVER, 3 * MINUTE).effects).toEqual([
      'tell /clusters/a cluster.overspent',
      'tell /clusters/b cluster.overspent',
      'after 1000 over',
    ]);
    stage.hear(says({ cluster: 'b', until: NOW + 3 * MINUTE }), 3 * MINUTE);
    stage.hear(OVER, 3 * MINUTE + 1);
    // With one of them gone there is enough for the other to end its minute, and no more.
    expect(stage.state).toMatchObject({ spent: 4, charges: [{ cluster: 'a' }] });
    expect(overAt(stage.state, 7, stage.now)).toBe(NOW + 3 * MINUTE);
    expect(stage.hear(OVER, 3.25 * MINUTE).effects[0]).toContain('overspent');
    expect(stage.sent('cluster.overspent').final).toBe(false);
    stage.hear(OVER, 3.5 * MINUTE);
    expect(stage.sent('cluster.overspent')).toMatchObject({ life: 1, final: true });
  });

  it('refuses what its budget does not pay for a first unit of', () => {
    const stage = on(3, { spent: 2.5 });
    const text = 'account lab has cost 2.5 of its budget of 3, and a would cost 1 at once';
    expect(stage.hear(says()).effects).toEqual([`refuse 5 over_budget: ${text}`]);
    expect(stage.state.charges).toEqual([]);
    expect(on(3.5, { spent: 2.5 }).hear(says()).effects[0]).toBe('reply 5 {}');
  });

  it('looks anew at a budget that is another by now', () => {
    const budgets = new Map([['lab', 100]]);
    const machine = accountWith(budgets);
    const stage = new Stage<Account>(machine, machine.init(chargeOf(), NOW));
    expect(stage.hear(says()).effects).toEqual(['reply 5 {}', `after ${100 * MINUTE} over`]);
    const look = told('account.look', { account: 'lab' });
    budgets.set('lab', 2);
    expect(stage.hear(look)).toMatchObject({ moved: true, effects: [`after ${2 * MINUTE} over`] });
    expect(stage.state).toMatchObject({ spent: 0, charges: [{ cluster: 'a' }] });
    budgets.delete('lab');
    expect(stage.hear(look)).toMatchObject({ moved: true, effects: [] });
  });

  it.each([
    [undefined, Infinity],
    [0.5, NOW],
    [1, NOW + MINUTE],
    [2.9, NOW + 2 * MINUTE],
  ])('with a budget of %s has enough until then', (budget, at) => {
    const { state } = on(budget, { charges: [{ cluster: 'a', life: 1, since: NOW, ...rate }] });
    expect(overAt(state, budget, NOW)).toBe(at);
  });
});

describe('a cluster on an account', () => {
  const asked = 'ask /accounts/lab account.charge (/charge)';
  const claimed = () => {
    const stage = new Stage<Cluster>(cluster, made('gone', { holds: [] }));
    stage.hear(told('cluster.claim', claimOf(onMade(), { account: 'lab' }), 7));
    return stage;
  };

  it('is counted before anything is made, and until its account knows that it is gone', () => {
    const stage = claimed();
    expect(stage.entered()).toContain(asked);
    expect(stage.entered()).not.toContain('run tokens');
    expect(stage.hear(answered('account.charge', {}, '/charge')).effects).toEqual(['run tokens']);
    stage.hear(done('tokens', {}));
    expect(stage.entered()).not.toContain(asked);
    const gone = new Stage<Cluster>(cluster, { ...stage.state, phase: 'releasing' });
    expect(gone.hear(done('remove'), MINUTE).effects).toContain(asked);
    expect(gone.sent('account.charge')).toMatchObject({ until: NOW + MINUTE, life: 2 });
    const again = told('cluster.claim', claimOf(onMade(), { attempt: 2 }), 7);
    expect(gone.hear(again).effects[0]).toContain('refuse 7 releasing');
    gone.hear(answered('account.charge', {}, '/charge'));
    expect(gone.state.charged).toBe(false);
    expect(gone.hear(again).phase).toBe('creating');
  });

  it('that its account has nothing for is not made', () => {
    const stage = claimed();
    expect(stage.hear(unanswered(failure('over_budget', WHY), '/charge')).phase).toBe('releasing');
    expect(stage.state).toMatchObject({ failure: { text: WHY }, charged: true });
  });

  it.each(['', 'two words', '../x'])('is counted by nobody if that is %j', (account) => {
    const stage = new Stage<Cluster>(cluster, made('gone', { holds: [] }));
    stage.hear(told('cluster.claim', claimOf(onMade(), { account }), 7));
    expect(stage.state.charged).toBe(false);
    expect(stage.entered()).toContain('run tokens');
  });

  const over = (final: boolean, life = 1) => {
    const body = { cluster: MADE, life, failure: failure('over_budget', WHY), final };
    return told('cluster.overspent', body);
  };

  it('tells its job of it, and goes when it is time', () => {
    const stage = new Stage<Cluster>(cluster, made('up'));
    expect(stage.hear(over(true, 0))).toMatchObject({ moved: false, effects: [] });
    expect(stage.hear(over(false)).effects).toEqual([`tell /jobs/${ID} job.overspent`]);
    expect(stage.hear(over(true)).phase).toBe('releasing');
    expect(stage.hear(over(true))).toMatchObject({ moved: false, effects: [] });
    const kept = made('up', { holds: [], keptUntil: NOW + 1 });
    expect(new Stage<Cluster>(cluster, kept).hear(over(false)).phase).toBe('releasing');
  });
});

describe('a job whose account is over its budget', () => {
  const over = (attempt = 1) =>
    told('job.overspent', { job: ID, attempt, failure: failure('over_budget', WHY) });

  it('ends in whatever phase its cluster serves it', () => {
    const live = new Stage<Job>(job, liveJob('running', onMade()));
    live.hear(over());
    expect(live.state.stop?.failure?.text).toBe(WHY);
    const waits = aJob({ phase: 'provisioning', placement: onMade() });
    const early = new Stage<Job>(job, waits);
    expect(early.hear(over()).phase).toBe('releasing');
    expect(early.state.outcome?.failure?.text).toBe(WHY);
  });

  it.each(['queued', 'placing', 'releasing', 'ended'] as const)('and stays if %s', (phase) => {
    const stage = new Stage<Job>(job, aJob({ phase, placement: onMade() }));
    const before = stage.state;
    expect(stage.hear(over())).toEqual({ phase, moved: false, effects: [] });
    expect(stage.state).toBe(before);
    const other = new Stage<Job>(job, liveJob('running', onMade()));
    expect(other.hear(over(2))).toMatchObject({ moved: false, effects: [] });
  });
});
