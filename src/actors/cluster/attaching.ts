import type { Failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Cluster, ClusterEffect, ClusterEvent, ClusterStep } from './cluster.ts';
import { news } from './news.ts';

/**
 * How machines that do not join by themselves become nodes, and keep their way to the head that
 * leads: each phase with machines has one task for each of them, which its site may do nothing for.
 */

export const attachAll = (state: Cluster): readonly ClusterEffect[] =>
  state.members.map(({ name }) => attach(state, name));

export const attach = ({ made, name, life }: Cluster, node: string): ClusterEffect => ({
  do: 'run',
  task: 'attach',
  key: node,
  input: { remote: made?.remote ?? '', cluster: name, life, node },
});

export const attachAgain = (node: string, ms: Millis): ClusterEffect => ({
  do: 'after',
  ms,
  event: { is: 'attach', node },
});

/** A cluster of several nodes tells of which of them it speaks. */
export function stepped(
  state: Cluster,
  { node, text }: ClusterEvent & { is: 'step' },
): ClusterStep {
  const detail = state.members.length > 1 ? `${text} (${node})` : text;
  if (detail === state.detail) return [state, []];
  const next = { ...state, detail };
  return [next, news(next)];
}

/** Its jobs may run on undisturbed by the lack of a way: whether it is lost is said by silence. */
export function unattached(node: string, { text, retry }: Failure): readonly ClusterEffect[] {
  if (retry) return [attachAgain(node, limits.attachAgainMs)];
  const note: ClusterEffect = {
    do: 'note',
    level: 'warn',
    text: `node ${node} is not attached: ${text}`,
  };
  return [note, attachAgain(node, limits.attachRefusedMs)];
}
