import { failure } from '../../protocol/errors.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { NodeRecord, NodeStep } from './node.ts';

/**
 * Its site takes the machine back, which it told nobody but the machine. Its cluster is told, again
 * and again until it has heard; the answer says that this is kept, so that nobody else need wait.
 */
export function evicted(state: NodeRecord, who: Who, ask: number, now: Millis): NodeStep {
  const { name, phase } = state;
  const refuse = (code: 'forbidden' | 'refused', text: string): NodeStep => [
    state,
    [{ do: 'refuse', ask, failure: failure(code, text) }],
  ];
  if (who.door !== 'local' && who.id !== name)
    return refuse('forbidden', `${who.id} may not speak for ${name}`);
  if (phase === 'gone' || phase === 'expected') return refuse('refused', `${name} is no node now`);
  const next = state.evictedAt ? state : { ...state, evictedAt: now, round: state.round + 1 };
  return [next, [{ do: 'reply', ask, body: {} }]];
}

/** Since when a node takes no new jobs, and why; undefined: it does. */
export function closedSince({ drained, evictedAt = 0 }: NodeRecord) {
  if (drained) return { since: drained.since, reason: drained.reason };
  return evictedAt > 0 ? { since: evictedAt, reason: 'its site takes it back' } : undefined;
}
