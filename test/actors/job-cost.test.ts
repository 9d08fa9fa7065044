import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { view } from '../../src/actors/job/view.ts';
import { priceOf } from '../../src/actors/price.ts';
import { encodeRecord } from '../../src/protocol/records.ts';
import { answered, NOW, Stage, told } from './stage.ts';
import { aJob, clusterNews, ID, liveJob, onMade, onNodes, over } from './things.ts';

const MINUTE = 60_000;
/** Two nodes of 0.04 an hour, by the minute. */
const perMinute = (minutes: number): number => (0.08 * minutes) / 60;
const gone = answered('cluster.unclaim', { gone: true }, 'unclaim');
const placing = (placement = onMade(2)) =>
  new Stage<Job>(job, aJob({ phase: 'placing', placement }));

describe('what a job costs', () => {
  it.each([
    [0, 0],
    [1, 1],
    [MINUTE, 1],
    [MINUTE + 1, 2],
    [-5, 0],
  ])('%i ms are billed as %i minutes', (ms, minutes) => {
    const price = priceOf({ perHour: 60, unitMs: MINUTE }, ms);
    expect(price).toBe(minutes);
  });

  it('is counted from when its cluster is held until that is gone', () => {
    const stage = placing();
    stage.hear(answered('cluster.claim', {}, 'claim'), 1_000);
    expect(stage.state.heldAt).toBe(NOW + 1_000);
    expect(view(stage.state, NOW + 1_000 + MINUTE).cost).toBeCloseTo(perMinute(1));
    stage.hear(told('job.cancel', { id: ID }, 7), 2 * MINUTE);
    expect(stage.state.phase).toBe('releasing');
    expect(view(stage.state, NOW + 4 * MINUTE).cost).toBeCloseTo(perMinute(4));
    stage.hear(gone, 5 * MINUTE);
    expect(stage.state).toMatchObject({ phase: 'ended', heldAt: 0 });
    expect(view(stage.state, NOW + 60 * MINUTE).cost).toBeCloseTo(perMinute(5));
  });

  it('is nothing on nodes that were given to us', () => {
    const stage = placing(onNodes('n1'));
    stage.hear(answered('cluster.claim', {}, 'claim'));
    expect(stage.state.heldAt).toBe(0);
    expect(view(stage.state, NOW + MINUTE).cost).toBe(0);
  });

  it('adds up over the attempts of a run, and is kept with a run that another follows', () => {
    const stage = new Stage<Job>(job, liveJob('running', onMade(2), { spent: 1, heldAt: NOW }));
    const lost = clusterNews(onMade(2), 'gone');
    stage.hear(told('job.cluster', lost), MINUTE);
    stage.hear(gone, 2 * MINUTE);
    expect(stage.state).toMatchObject({ phase: 'queued', attempt: 2, heldAt: 0 });
    expect(stage.state.spent).toBeCloseTo(1 + perMinute(2));
    const ended = { phase: 'ended', spent: 3, outcome: null, reports: [over()] } as const;
    const outcome = { state: 'F', exitcode: 0, signal: 0, failure: null } as const;
    const again = new Stage<Job>(job, aJob({ ...ended, outcome }));
    again.hear(told('job.requeue', { id: ID }, 7));
    expect(again.state).toMatchObject({ run: 2, spent: 0, runs: [{ cost: 3 }] });
    expect(view(again.state, NOW)).toMatchObject({ cost: 0, costBefore: 3 });
  });

  it('is for all nodes of a cluster that was kept', () => {
    const stage = placing({ ...onMade(1), warm: 2 });
    stage.hear(answered('cluster.claim', {}, 'claim'));
    expect(view(stage.state, NOW + MINUTE).cost).toBeCloseTo(perMinute(1));
  });

  it('is nothing that is known of a record from before it was counted', () => {
    const { script: _, ...head } = aJob();
    const newer = [
      ...['heldAt', 'spent', 'checkpoint', 'hold', 'tiedUntil'],
      ...['unmet', 'awaited', 'changes', 'shift'],
    ];
    const older = Object.keys(head).filter((field) => !newer.includes(field));
    const kind = { kind: 'job', version: 1, fields: older as (keyof typeof head)[] };
    // Each stands in its place: what an older record lacks are the last ones.
    const read = keeping.decode('head', encodeRecord(kind, head));
    expect(read).toMatchObject({ heldAt: 0, spent: 0 });
  });
});
