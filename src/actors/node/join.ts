import { failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { NodeRecord, NodeStep } from './node.ts';

/** Spends a join token on a key: the same request again gets the same answer, another none. */
export function join(
  state: NodeRecord,
  { tokenHash, publicKey }: Body<'node.join'>,
  ask: number,
  now: Millis,
): NodeStep {
  const refuse = (text: string): NodeStep => [
    state,
    [{ do: 'refuse', ask, failure: failure('unauthorized', `${state.name}: ${text}`) }],
  ];
  if (state.phase === 'gone') return refuse('this node was removed');
  if (state.tokenHash === '' || tokenHash !== state.tokenHash) return refuse('wrong join token');
  if (now > state.expiresAt) return refuse('the join token has expired');
  if (state.publicKey !== '' && state.publicKey !== publicKey)
    return refuse('the join token was spent on another key');
  const { role, cluster } = state;
  return [{ ...state, publicKey }, [{ do: 'reply', ask, body: { role, cluster } }]];
}
