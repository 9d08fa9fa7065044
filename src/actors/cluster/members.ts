import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { same as sameAmount } from '../amounts.ts';
import { attach, attachAll, unattached } from './attaching.ts';
import { withoutGone } from './claims.ts';
import {
  type Cluster,
  type ClusterEffect,
  type ClusterHeard,
  type ClusterStep,
  type ClusterTasks,
  type Member,
  once,
  release,
  stay,
} from './cluster.ts';
import { evictedBy, losing, withEvicted } from './evicted.ts';
import { enterKept, isKept } from './keep.ts';
import { again, poll, whatSiteSays, whenJoined } from './making.ts';
import { news, newsOf } from './news.ts';

/** How its nodes are: what the registry tells, and what becomes of a cluster whose node is lost. */

/** A head that comes back finds nodes silent that only could not reach it: they get some time. */
export const enterUp = (state: Cluster, now: Millis): readonly ClusterEffect[] => {
  if (state.made === null) return news(state);
  const common = [...news(state), ...attachAll(state), ...enterKept(state, now)];
  const silent = state.members.filter((m) => m.phase === 'silent').map((m) => m.since);
  if (silent.length === 0)
    return [...common, ...(state.evicted ? [again(limits.evictionPollMs)] : [])];
  const ms = Math.max(Math.min(...silent) + limits.silentMsMax - now, limits.returnMs);
  return [...common, poll(state), { do: 'after', ms, event: { is: 'late' } }];
};

export function up(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  // Given nodes are waited for; nothing of them is ours to remove.
  if (state.made === null) return stay(state);
  const isAsked = isSilent(state) || Boolean(state.evicted);
  if (event.is === 'again' && isAsked) return [state, [poll(state)]];
  if (event.is === 'attach') return [state, [attach(state, event.node)]];
  if (event.is === 'failed' && event.task === 'attach')
    return [state, unattached(event.key, event.failure)];
  if (event.is === 'failed') return [state, [again(limits.pollMs)]];
  if (event.is === 'done' && event.task === 'poll' && isAsked)
    return askedSite(state, event.value, now);
  if (event.is !== 'late') return stay(state);
  if (isKept(state) && now >= state.keptUntil) return [release(state, now), []];
  const lost = state.members.find(
    (m) => m.phase === 'silent' && now - m.since >= limits.silentMsMax,
  );
  if (lost === undefined) return [once(state, {}), []];
  return [release(state, now, failure('lost', `node ${lost.name} is silent`)), []];
}

const isSilent = ({ members }: Cluster): boolean => members.some((m) => m.phase === 'silent');

/**
 * Of a silent node the site may know better: a machine that is gone is waited for in vain. Of one
 * that is to be taken back, those who use it hear while it is still there.
 */
function askedSite(state: Cluster, partition: ClusterTasks['poll'][1], now: Millis): ClusterStep {
  const unknownMax = isSilent(state) ? limits.vanishedMax : limits.unlistedMax;
  const { why, tries } = whatSiteSays(state, partition, unknownMax);
  const next = withEvicted(state, partition?.evicted ?? []);
  const code = next.evicted?.length ? 'evicted' : 'lost';
  if (why !== '') return [release(next, now, failure(code, why)), []];
  if (next !== state) return [losing({ ...next, tries }, now), []];
  const ms = isSilent(state) ? limits.pollMs : limits.evictionPollMs;
  return [tries === state.tries ? state : { ...state, tries }, [again(ms)]];
}

/** Takes what the registry tells of a node; it tells it again until it has this answer. */
export function memberMoved(
  state: Cluster,
  body: Body<'cluster.node'>,
  ask: number,
  now: Millis,
): ClusterStep {
  const reply: ClusterEffect = { do: 'reply', ask, body: {} };
  const { node: name, phase, since, address, resources, drained, labels } = body;
  const known = state.members.find((m) => m.name === name);
  const said = { ...(drained && { drained }), ...(labels && { labels }) };
  const member: Member = { name, phase, since, address, resources, ...said };
  const isOurs = known !== undefined || (state.made === null && phase !== 'gone');
  if (state.phase === 'releasing' || state.phase === 'gone' || !isOurs) return [state, [reply]];
  const heard = evictedBy(state, body);
  if (known !== undefined && same(known, member) && heard === state) return [state, [reply]];
  const members =
    known === undefined
      ? [...state.members, member]
      : state.members.map((m) => (m === known ? member : m));
  const next = { ...heard, members };
  const isNews = heard !== state && heard.evicted?.includes(name);
  if (isNews) return [losing(next, now), [reply]];
  if (state.made === null) return [withoutGone(next), [reply, ...newsOf(next, name)]];
  if (phase === 'gone')
    return [release(next, now, failure('lost', `node ${name} was given up`)), [reply]];
  if (state.phase === 'joining') return joined(next, name, now, reply);
  return state.phase === 'up' ? [once(next, { tries: 0 }), [reply]] : [next, [reply]];
}

function joined(state: Cluster, node: string, now: Millis, reply: ClusterEffect): ClusterStep {
  const next = whenJoined(state, now);
  return [next, next === state ? [reply, ...newsOf(next, node)] : [reply]];
}

const same = (a: Member, b: Member): boolean =>
  a.phase === b.phase &&
  a.since === b.since &&
  a.address === b.address &&
  a.drained === b.drained &&
  sameAmount(a.resources, b.resources) &&
  (a.labels ?? []).join(' ') === (b.labels ?? []).join(' ');
