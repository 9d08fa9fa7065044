import { limits } from '../../protocol/limits.ts';
import { hasOut } from '../job/out-target.ts';
import type { Runner, RunnerEffect, RunnerHeard, RunnerStep } from './runner.ts';

/**
 * The ways out of an attempt that runs, its `out` ports and that of its tasks: they were opened
 * before it started, and are again when its worker comes back. It is not ended for them any more.
 */

export const leadOut = ({ order, place }: Runner): readonly RunnerEffect[] =>
  order && place && (hasOut(order.spec) || order.spec.ranks === 'main')
    ? [{ do: 'run', task: 'lead', input: { order, place } }]
    : [];

const UNLED = 'its ways out are not open: ';

/** Undefined: it is no such event. */
export function ledOut(state: Runner, event: RunnerHeard): RunnerStep | undefined {
  switch (event.is) {
    case 'lead':
      return [state, leadOut(state)];
    case 'done':
      if (event.task !== 'lead') return undefined;
      return [state.detail.startsWith(UNLED) ? told(state, '') : state, []];
    case 'failed': {
      if (event.task !== 'lead') return undefined;
      const again: RunnerEffect = { do: 'after', ms: limits.againMs, event: { is: 'lead' } };
      return [told(state, `${UNLED}${event.failure.text}`), [again]];
    }
    default:
      return undefined;
  }
}

const told = (state: Runner, detail: string): Runner =>
  state.detail === detail ? state : { ...state, detail, seq: state.seq + 1 };
