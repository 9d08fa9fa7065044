import { failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Cluster, once, release } from './cluster.ts';
import { isKept } from './keep.ts';

/** Nodes that their site takes back: it says so itself when it is asked, or it told the machine. */

/** With those that it is said of now: once said, it stays said. */
export const withEvicted = (state: Cluster, nodes: readonly string[]): Cluster => {
  const before = state.evicted ?? [];
  const news = nodes.filter((node) => !before.includes(node));
  return news.length === 0 ? state : { ...state, evicted: [...before, ...news] };
};

/** Those who use it are told, and leave. One that nobody uses, or could yet, goes at once. */
export function losing(state: Cluster, now: Millis): Cluster {
  const isUsed = state.phase === 'up' && !isKept(state);
  if (state.made === null || isUsed) return once(state, {});
  const text = `the site takes node ${state.evicted?.at(-1)} back`;
  return release(state, now, failure('evicted', text));
}

/** What a node says of itself. Of a given one that is there again it is true no more. */
export function evictedBy(state: Cluster, said: Body<'cluster.node'>): Cluster {
  const { node, phase, evicted = false } = said;
  if (evicted && phase !== 'gone') return withEvicted(state, [node]);
  const isPast = state.made === null && state.evicted?.includes(node);
  if (!isPast) return state;
  return { ...state, evicted: state.evicted?.filter((other) => other !== node) ?? [] };
}
