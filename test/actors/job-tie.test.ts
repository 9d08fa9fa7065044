import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping, LIVE } from '../../src/actors/job/keeping.ts';
import { limits } from '../../src/protocol/limits.ts';
import { NOW, Stage, told } from './stage.ts';
import { ANN, aJob, BEN, ID, liveJob, onNodes } from './things.ts';

const { tieMs } = limits;
const until = NOW + tieMs;
const on = (change: Partial<Job> = {}) =>
  new Stage<Job>(job, aJob({ tiedUntil: until, ...change }));
const tie = (who: Parameters<typeof told>[3] = ANN) => told('job.tie', { id: ID }, 7, who);
const late = { is: 'untied' };
const look = (ms: number) => `after ${ms} untied`;
const inPhase = (phase: 'staging' | 'running') =>
  new Stage<Job>(job, liveJob(phase, onNodes('n1'), { tiedUntil: until }));

describe('a job that is tied to a terminal', () => {
  it('is looked after in each phase but the last ones, with no extra time after a restart', () => {
    expect(on().entered()).toEqual(['tell /scheduler scheduler.job', look(tieMs)]);
    expect(on().entered(1_000)).toContain(look(tieMs - 1_000));
    expect(inPhase('running').entered(tieMs + 5)).toContain(look(-5));
    for (const phase of ['releasing', 'ended'] as const)
      expect(on({ phase }).entered().join()).not.toContain('untied');
    expect(aJob().tiedUntil).toBeNull();
    expect(new Stage<Job>(job, aJob()).entered()).toEqual(['tell /scheduler scheduler.job']);
  });

  it('stays as long as the terminal says that it is there, and as it is', () => {
    const stage = on();
    const { effects, moved } = stage.hear(tie(), 9_000);
    expect([effects, moved]).toEqual([
      [`reply 7 {"id":"${ID}","until":${NOW + 9_000 + tieMs}}`],
      false,
    ]);
    expect(stage.hear(late, tieMs)).toEqual({
      phase: 'queued',
      moved: false,
      effects: [look(9_000)],
    });
    expect(stage.hear(late, tieMs + 8_999).effects).toEqual([look(1)]);
    expect(stage.hear(late, tieMs + 9_000).phase).toBe('releasing');
  });

  it('is cancelled without it: where it waits, also when it is held', () => {
    const hold = { by: 'ann', isOperators: false, since: NOW };
    for (const change of [{}, { hold }, { phase: 'placing' as const, placement: onNodes('n1') }]) {
      const stage = on(change);
      expect(stage.hear(late, tieMs).phase).toBe('releasing');
      expect(stage.state).toMatchObject({ cancelled: true, hold: null, outcome: { state: 'C' } });
      expect(stage.state.timeline.map(({ what }) => what)).toContain('its terminal is gone');
    }
  });

  it('is cancelled without it: where it runs, it is ended', () => {
    for (const phase of ['staging', 'running'] as const) {
      const stage = inPhase(phase);
      expect(stage.hear(late, tieMs)).toMatchObject({ phase, moved: true });
      expect(stage.state).toMatchObject({ cancelled: true, stop: { since: until } });
      // Once is enough.
      expect(stage.hear(late, tieMs + 1)).toEqual({ phase, moved: false, effects: [] });
      expect(stage.hear(tie()).effects).toEqual([`refuse 7 wrong_phase: job ${ID}: it ends`]);
    }
  });

  it('hears nobody else, and no other job hears of terminals', () => {
    const stage = on();
    expect(stage.hear(tie(BEN)).effects).toEqual([
      `refuse 7 forbidden: job ${ID} belongs to somebody else`,
    ]);
    expect(stage.state.tiedUntil).toBe(until);
    expect(new Stage<Job>(job, aJob()).hear(tie()).effects).toEqual([
      `refuse 7 wrong_phase: job ${ID}: it has no terminal`,
    ]);
    expect(on({ phase: 'ended' }).hear(tie()).effects).toEqual([
      `refuse 7 wrong_phase: job ${ID}: it ends`,
    ]);
  });

  const path = `/jobs/${ID}`;
  it('is opened at a start also while it waits, and is kept with its time', () => {
    expect(keeping.index(aJob({ tiedUntil: until }), path)).toContain(LIVE);
    expect(keeping.index(aJob(), path)).not.toContain(LIVE);
    const { head } = keeping.split(aJob({ tiedUntil: until })) as { head: object };
    expect(keeping.decode('head', keeping.encode('head', head))).toMatchObject({
      tiedUntil: until,
    });
  });
});
