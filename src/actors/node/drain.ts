import { failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { NodeRecord, NodeStep } from './node.ts';

/** A node that an operator wants empty: it takes no new jobs until it is resumed. */

export function drain(
  state: NodeRecord,
  { reason = '', requeue = false }: Body<'node.drain'>,
  who: Who,
  ask: number,
  now: Millis,
): NodeStep {
  const since = state.drained?.since ?? now;
  return changed(state, { since, reason, requeue }, who, ask);
}

/** What was taken back by its site, and is there again, is so by an operator's word. */
export const resume = (state: NodeRecord, who: Who, ask: number): NodeStep =>
  changed(state, null, who, ask);

/** Its cluster is told, again and again until it has heard, as of all that a node is. */
function changed(
  state: NodeRecord,
  drained: NonNullable<NodeRecord['drained']> | null,
  who: Who,
  ask: number,
): NodeStep {
  const refuse = (code: 'forbidden' | 'wrong_phase', text: string): NodeStep => [
    state,
    [{ do: 'refuse', ask, failure: failure(code, text) }],
  ];
  if (who.door !== 'operator' && who.door !== 'local')
    return refuse('forbidden', 'only an operator can drain a node, or resume it');
  if (state.phase === 'gone') return refuse('wrong_phase', `${state.name} is no node any more`);
  const evictedAt = drained === null ? 0 : (state.evictedAt ?? 0);
  const next = { ...state, drained, evictedAt, round: state.round + 1 };
  return [next, [{ do: 'reply', ask, body: { node: state.name } }]];
}
