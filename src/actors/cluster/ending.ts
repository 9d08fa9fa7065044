import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { CHARGE, charge } from './charge.ts';
import {
  type Cluster,
  type ClusterEffect,
  type ClusterHeard,
  type ClusterStep,
  once,
  stay,
  to,
} from './cluster.ts';
import { news } from './news.ts';

/** How a cluster goes: it is tried for ever, since nobody else will remove what was made. */

const again = (ms: Millis): ClusterEffect => ({ do: 'after', ms, event: { is: 'again' } });

export const enterReleasing = (state: Cluster, now: Millis): readonly ClusterEffect[] => [
  ...news(state),
  state.retryAt > now ? again(state.retryAt - now) : remove(state),
];

const remove = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'remove',
  input: {
    remote: state.made?.remote ?? '',
    cluster: state.name,
    externalId: state.externalId,
  },
});

export function releasing(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done': {
      const members = state.members.map((m) => ({ ...m, phase: 'gone' as const, since: now }));
      const expected = members.map((m) => m.name);
      return [to(state, 'gone', now, { members, expected, detail: 'gone' }), []];
    }
    case 'failed': {
      const ms = Math.min(limits.removeAgainMs * 2 ** state.tries, limits.removeAgainMsMax);
      const detail = `Releasing the partition: cannot be removed, since ${event.failure.text}`;
      return [once(state, { tries: state.tries + 1, retryAt: now + ms, detail }), []];
    }
    case 'again':
      return [once(state, {}), []];
    default:
      return stay(state);
  }
}

/** The registry refuses its nodes from now on: until it has said so, there is something to do. */
export const enterGone = (state: Cluster, now: Millis): readonly ClusterEffect[] => [
  ...(state.erased ? [] : news(state)),
  ...(state.retryAt > now
    ? [again(state.retryAt - now)]
    : [...state.expected.map(removeNode), ...(state.charged ? [charge(state, state.since)] : [])]),
];

const removeNode = (node: string): ClusterEffect => ({
  do: 'ask',
  to: control(`/nodes/${node}`),
  ms: limits.claimMs,
  key: node,
  message: message('node.remove', { node }),
});

export function gone(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  const without = (node: string): Cluster => ({
    ...state,
    expected: state.expected.filter((other) => other !== node),
  });
  switch (event.is) {
    case 'answered':
      if (event.key === CHARGE) return [{ ...state, charged: false }, []];
      return [without(event.key), []];
    case 'unanswered':
      return event.failure.code === 'not_found'
        ? [without(event.key), []]
        : [once(state, { retryAt: now + limits.againMs }), []];
    case 'again':
      return [once(state, {}), []];
    default:
      return stay(state);
  }
}
