import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { view } from '../../src/actors/job/view.ts';
import { runner } from '../../src/actors/runner/behaviour.ts';
import { add } from '../../src/actors/runner/measuring.ts';
import { type Runner, reportOf } from '../../src/actors/runner/runner.ts';
import type { Sample } from '../../src/actors/ways.ts';
import type { Used } from '../../src/protocol/used.ts';
import { aRunner } from './runners.ts';
import { done, NOW, Stage } from './stage.ts';
import { exit, ID, liveJob, onNodes, report } from './things.ts';

const sample = (change: Partial<Sample> = {}): Sample => ({
  ms: 1_000,
  cpuPercent: 50,
  memBytes: 100,
  gpuUtilPercent: null,
  gpuMemBytes: null,
  ...change,
});
const measured = (change: Partial<Sample> = {}) => ({ is: 'measured', sample: sample(change) });
const REPORT = `tell /jobs/${ID} job.report`;

describe('what an attempt has used', () => {
  it('weighs each sample by its time, and keeps what nobody can tell as nothing', () => {
    const first = add(null, sample());
    expect(first).toEqual({
      ms: 1_000,
      cpuPercent: { avg: 50, max: 50 },
      memBytes: { avg: 100, max: 100 },
      gpuUtilPercent: null,
      gpuMemBytes: null,
    });
    const second = add(first, sample({ ms: 3_000, cpuPercent: 250, memBytes: null }));
    expect(second).toMatchObject({
      ms: 4_000,
      cpuPercent: { avg: 200, max: 250 },
      memBytes: { avg: 100, max: 100 },
    });
    // What is known late is known from then on.
    expect(add(second, sample({ gpuMemBytes: 7 })).gpuMemBytes).toEqual({ avg: 7, max: 7 });
  });

  it('is the same however the time is cut', () => {
    const times = fc.array(fc.record({ ms: fc.nat(9_999), cpuPercent: fc.nat(9_999) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(times, (parts) => {
        const all = parts.map((part) => ({ ...part, ms: part.ms + 1 }));
        const used = all.reduce<Used | null>((so, one) => add(so, sample(one)), null) as Used;
        const ms = all.reduce((sum, one) => sum + one.ms, 0);
        const sum = all.reduce((so, one) => so + one.cpuPercent * one.ms, 0);
        expect(used.ms).toBe(ms);
        expect(used.cpuPercent?.avg).toBeCloseTo(sum / ms, 6);
        expect(used.cpuPercent?.max).toBe(Math.max(...all.map(({ cpuPercent }) => cpuPercent)));
      }),
    );
  });
});

describe('a runner', () => {
  it.each(['running', 'saving', 'stopping'] as const)(
    'that is %s tells of it at growing intervals, and keeps all of it',
    (phase) => {
      const stage = new Stage<Runner>(runner, aRunner(phase));
      const told: number[] = [];
      for (let at = 1_000; at <= 300_000; at += 1_000) {
        const { effects, moved } = stage.hear(measured(), at);
        expect(moved).toBe(false);
        if (effects.length === 0) continue;
        expect(effects).toEqual([REPORT]);
        told.push(at / 1_000);
      }
      expect(told).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184, 244]);
      expect(stage.state.used?.ms).toBe(300_000);
    },
  );

  it('tells the whole of it with its end', () => {
    const stage = new Stage<Runner>(runner, aRunner('running'));
    for (const at of [1_000, 2_000, 3_000]) stage.hear(measured({ memBytes: at }), at);
    stage.hear(done('wait', exit()), 3_500);
    expect(stage.sent('job.report')).toMatchObject({
      phase: 'collecting',
      used: { ms: 3_000, memBytes: { avg: 2_000, max: 3_000 } },
    });
  });

  it('that was never looked at tells nothing of it', () => {
    expect(reportOf(aRunner('running'))).not.toHaveProperty('used');
  });
});

it('a job shows what each of its processes has told', () => {
  const used = add(null, sample());
  const reports = [report({ used }), report({ rank: 1, node: 'n2' }), null];
  const shown = view(liveJob('running', onNodes('n1', 'n2', 'n3'), { reports }), NOW);
  expect(shown.used).toEqual([{ rank: 0, node: 'n1', ...used }]);
});
