import { limits } from '../../protocol/limits.ts';
import type { Used } from '../../protocol/used.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Sample } from '../ways.ts';
import type { Runner } from './runner.ts';

/** What an attempt has used, of which nothing is known yet, and when its head was told last. */
export const UNMEASURED = { used: null, usedToldAt: 0 };

const kinds = ['cpuPercent', 'memBytes', 'gpuUtilPercent', 'gpuMemBytes'] as const;

/** What was used until now and in the time of a sample, each weighing as much as it took. */
export function add(before: Used | null, sample: Sample): Used {
  const ms = (before?.ms ?? 0) + sample.ms;
  const spreads = kinds.map((kind) => {
    const value = sample[kind];
    const known = before?.[kind] ?? null;
    if (value === null || before === null || known === null)
      return [kind, value === null ? known : { avg: value, max: value }];
    const avg = known.avg + ((value - known.avg) * sample.ms) / ms;
    return [kind, { avg, max: Math.max(known.max, value) }];
  });
  return { ms, ...Object.fromEntries(spreads) } as Used;
}

/** Its head is told at growing intervals, and of all of it when it ends. */
export function measured(state: Runner, sample: Sample, now: Millis): Runner {
  const used = add(state.used ?? null, sample);
  const { startedAt } = state;
  const toldAt = state.usedToldAt ?? 0;
  const isDue = now - toldAt >= Math.min(limits.usedToldMsMax, Math.max(0, toldAt - startedAt));
  return isDue ? { ...state, used, usedToldAt: now, seq: state.seq + 1 } : { ...state, used };
}
