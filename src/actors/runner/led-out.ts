import { limits } from '../../protocol/limits.ts';
import { hasOut } from '../job/out-target.ts';
import type { Runner, RunnerEffect, RunnerHeard, RunnerStep } from './runner.ts';

/**
 * The `out` ports of an attempt that runs: they were opened before it started, and are again when
 * its worker comes back. It is not ended for them any more.
 */

export const leadOut = ({ order }: Runner): readonly RunnerEffect[] =>
  order !== null && hasOut(order.spec) ? [{ do: 'run', task: 'lead', input: order }] : [];

const UNLED = 'its ports do not lead out: ';

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
