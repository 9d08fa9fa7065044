import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import { costOf, spentAt } from '../../src/actors/job/cost.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { paidFor } from '../../src/actors/price.ts';
import { NOW, Stage, told } from './stage.ts';
import { aJob, ID, liveJob, onMade, onNodes, over, report } from './things.ts';

const MINUTE = 60_000;
/** A node of 0.04 an hour for so many minutes. */
const minutes = (count: number): number => (0.04 * count) / 60;
const held = { heldAt: NOW, cluster: null };
const running = (budget: number, change: Partial<Job> = {}) =>
  new Stage<Job>(job, liveJob('running', onMade(), { ...held, ...change }, { budget }));
const spent = { is: 'spent' };
const outcomeOf = ({ state }: Stage<Job>) => state.outcome?.failure;

describe('a budget', () => {
  it.each([
    [0, 0],
    [0.999, 0],
    [1, 1],
    [2.5, 2],
    [1e6, 1e6],
  ])('of %d units pays for %d whole ones', (sum, units) => {
    const rate = { perHour: 0.7, unitMs: MINUTE };
    expect(paidFor(rate, (sum * 0.7) / 60)).toBe(units * MINUTE);
  });

  it('is not spent as long as another unit is paid, and then at once', () => {
    const { state } = running(minutes(10.5), { spent: minutes(3) });
    const at = spentAt(state);
    expect(at).toBe(NOW + 7 * MINUTE);
    expect(costOf(state, at)).toBeLessThanOrEqual(minutes(10.5));
    expect(costOf(state, at + MINUTE) - minutes(10.5)).toBeLessThanOrEqual(minutes(1));
    expect(spentAt(liveJob('running', onNodes('n1'), held, { budget: 1 }))).toBe(Infinity);
    expect(spentAt(liveJob('running', onMade(), held))).toBe(Infinity);
  });

  it('ends what runs when it is spent, and takes its machines half a unit later', () => {
    const stage = running(minutes(7));
    expect(stage.entered(2 * MINUTE).filter((effect) => effect.endsWith('spent'))).toEqual([
      `after ${5 * MINUTE} spent`,
    ]);
    const heard = stage.hear(spent, 7 * MINUTE);
    expect(heard.effects).toContain('after 30000 late');
    expect(heard.effects.some((effect) => effect.includes('runner.stop'))).toBe(true);
    expect(stage.state).toMatchObject({
      phase: 'running',
      stop: { failure: { code: 'over_budget' } },
    });
    expect(stage.hear({ is: 'late' }, 7.5 * MINUTE).phase).toBe('releasing');
    expect(outcomeOf(stage)).toMatchObject({
      code: 'over_budget',
      text: 'cost 0.0047 of its budget of 0.0047, at 0.04 an hour',
    });
  });

  it('that is spent is no reason to try again', () => {
    const budget = { budget: 1, retries: 3 };
    const stage = new Stage<Job>(job, liveJob('running', onMade(), held, budget));
    stage.hear(spent);
    stage.hear(told('job.report', over({ node: onMade().nodes[0] ?? '', stopped: true })));
    expect(stage.state).toMatchObject({ phase: 'releasing', again: 'no', outcome: { state: 'E' } });
  });

  it('ends a job whose cluster is still being made', () => {
    const made = aJob({ phase: 'provisioning', placement: onMade(), ...held }, { budget: 1 });
    const stage = new Stage<Job>(job, made);
    expect(stage.entered().at(-1)).toMatch(/^after \d+ spent$/);
    expect(stage.hear(spent, MINUTE).phase).toBe('releasing');
    expect(outcomeOf(stage)?.code).toBe('over_budget');
  });

  it('changes nothing of a job that is being ended for another reason', () => {
    const stop = { failure: null, since: NOW };
    const stage = running(1, { stop, cancelled: true, reports: [report()] });
    expect(stage.hear(spent)).toMatchObject({ moved: false, effects: [] });
  });

  it('that does not pay for a first unit any more ends the job before it begins', () => {
    const waits = aJob({ spent: minutes(9.5) }, { budget: minutes(10) });
    const stage = new Stage<Job>(job, waits);
    const place = told('job.place', { id: ID, attempt: 1, placement: onMade() });
    expect(stage.hear(place).phase).toBe('releasing');
    expect(outcomeOf(stage)?.text).toBe(
      'its budget of 0.0067 has 0.0003 left, and swm-0197f3a2 costs 0.0007 for the first 60 s',
    );
    expect(stage.hear({ is: 'late' })).toMatchObject({ phase: 'ended' });
    const free = new Stage<Job>(job, waits);
    free.hear(told('job.place', { id: ID, attempt: 1, placement: onNodes('n1') }));
    expect(free.state.phase).toBe('placing');
  });
});
