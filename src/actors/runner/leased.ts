import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  broken,
  type Runner,
  type RunnerEffect,
  type RunnerHeard,
  type RunnerStep,
  start,
} from './runner.ts';

/**
 * An attempt that its head may run elsewhere when it hears nothing of us: it runs only while the
 * head says again and again that it may, and something that outlives this worker sees to it.
 */

/** How long it may run after each time it asked; 0: for as long as it likes. */
const leaseOf = ({ order }: Runner): Millis =>
  order?.spec.onNodeLoss === 'requeue' ? (order.spec.leaseMs ?? limits.leaseMs) : 0;

export const isLeased = (state: Runner): boolean => leaseOf(state) > 0;

/** The clock is looked at first, since a lease counts from before it is asked for. */
export const askLease = (state: Runner): readonly RunnerEffect[] =>
  isLeased(state) ? [{ do: 'run', task: 'boot', input: null }] : [];

const ASKED = 'lease/';

const ask = (state: Runner, sentAt: Millis): RunnerEffect => ({
  do: 'ask',
  to: control(`/jobs/${state.key.job}`),
  message: message('job.lease', { ...state.key, node: state.node }),
  ms: Math.min(limits.claimMs, pause(state)),
  key: `${ASKED}${sentAt}`,
});

const after = (ms: Millis): RunnerEffect => ({ do: 'after', ms, event: { is: 'lease' } });

/** How often it is asked for: two of three questions may be lost. */
const pause = (state: Runner): Millis => Math.floor(leaseOf(state) / 3);

/** What a leased attempt does besides, while it starts or runs; undefined: it is no such event. */
export function leased(state: Runner, event: RunnerHeard): RunnerStep | undefined {
  if (!isLeased(state)) return undefined;
  switch (event.is) {
    case 'lease':
      return [state, askLease(state)];
    case 'answered':
      return event.key.startsWith(ASKED) ? [state, [renew(state, event.key)]] : undefined;
    case 'unanswered': {
      if (!event.key.startsWith(ASKED)) return undefined;
      const { code, text } = event.failure;
      if (code !== 'wrong_phase') return [state, [after(soon(state))]];
      return [broken(state, failure('lost', `it may not go on: ${text}`)), []];
    }
    case 'done':
      if (event.task === 'boot') return [state, [ask(state, event.value)]];
      if (event.task !== 'renew') return undefined;
      return [state, [...(state.phase === 'starting' ? start(state) : []), after(pause(state))]];
    case 'failed': {
      if (event.task !== 'boot' && event.task !== 'renew') return undefined;
      // What nobody guards must not run.
      const mayPass = event.failure.code === 'timeout' || event.failure.code === 'bug';
      return mayPass ? [state, [after(soon(state))]] : [broken(state, event.failure), []];
    }
    default:
      return undefined;
  }
}

const soon = (state: Runner): Millis => Math.min(limits.againMs, pause(state));

const renew = (state: Runner, asked: string): RunnerEffect => ({
  do: 'run',
  task: 'renew',
  input: { key: state.key, until: Number(asked.slice(ASKED.length)) + leaseOf(state) },
});
