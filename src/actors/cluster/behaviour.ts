import type { Body } from '../../protocol/messages.ts';
import type { Behaviour } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { overspent } from './charge.ts';
import { claim, unclaim } from './claims.ts';
import {
  type Cluster,
  type ClusterArgs,
  type ClusterEffect,
  type ClusterEvent,
  type ClusterHeard,
  type ClusterHears,
  type ClusterStep,
  type ClusterTasks,
  fromArgs,
  stay,
  type ToldCluster,
  to,
} from './cluster.ts';
import { enterGone, enterReleasing, gone, releasing } from './ending.ts';
import { creating, enterCreating, enterJoining, joining } from './making.ts';
import { enterUp, memberMoved, up } from './members.ts';
import { newsTo } from './news.ts';
import { tried } from './tried.ts';

/**
 * A cluster owns its capacity: only a hold that it saved lets a job use it. One that was made for
 * a job is removed when nothing holds it, and nothing but the site's word makes it `gone`.
 */
export const cluster: Behaviour<ClusterArgs, Cluster, ClusterHears, ClusterEvent, ClusterTasks> = {
  init: fromArgs,

  on(state, event, now) {
    const [next, effects] = heard(state, event, now);
    return [next, [...effects, ...tried(state, next)]];
  },

  enter(state, now): readonly ClusterEffect[] {
    switch (state.phase) {
      case 'creating':
        return enterCreating(state, now);
      case 'joining':
        return enterJoining(state, now);
      case 'up':
        return enterUp(state, now);
      case 'releasing':
        return enterReleasing(state, now);
      case 'gone':
        return enterGone(state, now);
    }
  },
};

function heard(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  if (event.is === 'told') return told(state, event, now);
  switch (state.phase) {
    case 'creating':
      return creating(state, event, now);
    case 'joining':
      return joining(state, event, now);
    case 'up':
      return up(state, event, now);
    case 'releasing':
      return releasing(state, event, now);
    case 'gone':
      return gone(state, event, now);
  }
}

function told(state: Cluster, event: ToldCluster, now: Millis): ClusterStep {
  const { message: m, ask } = event;
  switch (m.name) {
    case 'cluster.claim':
      return claim(state, m.body as Body<'cluster.claim'>, ask, now);
    case 'cluster.unclaim':
      return unclaim(state, m.body as Body<'cluster.unclaim'>, ask, now);
    case 'cluster.node':
      return memberMoved(state, m.body as Body<'cluster.node'>, ask, now);
    case 'cluster.news':
      return newsAgain(state, m.body as Body<'cluster.news'>, ask);
    case 'cluster.condemn':
      return condemn(state, m.body as Body<'cluster.condemn'>, now);
    case 'cluster.overspent':
      return overspent(state, m.body as Body<'cluster.overspent'>, now);
    case 'cluster.forget': {
      const { before } = m.body as Body<'cluster.forget'>;
      const isDone = state.expected.length === 0 && !state.charged;
      const isOld = state.phase === 'gone' && isDone && state.since < before;
      return isOld ? [{ ...state, erased: true }, []] : stay(state);
    }
  }
}

/** Of what is held no more, a cluster that was made says that it is gone: it is another by now. */
function newsAgain(
  state: Cluster,
  { job, attempt }: Body<'cluster.news'>,
  ask: number,
): ClusterStep {
  const hold = state.holds.find((h) => h.job === job && h.attempt === attempt);
  const isLeft = state.left.some((l) => l.job === job && l.attempt === attempt);
  const isKnown = hold !== undefined || isLeft || state.made === null;
  const seen: Cluster = isKnown ? state : { ...state, phase: 'gone', members: [] };
  return [state, [{ do: 'reply', ask, body: {} }, newsTo(seen, { job, attempt }, hold?.nodes)]];
}

/** A stray bears a name that we know to be gone, or not at all: it goes the way of all clusters. */
function condemn(
  state: Cluster,
  { remote, externalId }: Body<'cluster.condemn'>,
  now: Millis,
): ClusterStep {
  if (state.phase !== 'gone') return stay(state);
  const made = { ...(state.made ?? { flavor: '-', image: '', price: 0 }), remote };
  const stray = { made, externalId, detail: 'a stray', failure: null, erased: false };
  return [to(state, 'releasing', now, stray), []];
}
