import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { attach, attachAgain, attachAll, stepped } from './attaching.ts';
import { CHARGE, charge } from './charge.ts';
import {
  type Cluster,
  type ClusterEffect,
  type ClusterHeard,
  type ClusterStep,
  type ClusterTasks,
  once,
  release,
  stay,
  to,
} from './cluster.ts';
import { news } from './news.ts';

/** How a cluster is made: its nodes are expected, the site creates it, and its nodes join. */

const SPAWNED = 'Partition spawned';
const READY = 'Waiting for Sky Port port readiness';

const names = (state: Cluster): string[] => state.members.map((m) => m.name);
const remoteOf = (state: Cluster): string => state.made?.remote ?? '';

export const again = (ms: Millis): ClusterEffect => ({ do: 'after', ms, event: { is: 'again' } });

const expire = (state: Cluster, now: Millis): ClusterEffect => ({
  do: 'after',
  ms: state.createdAt + limits.provisionMsMax - now,
  event: { is: 'late' },
});

/** Each step is saved before the next: nodes must be expected before machines can ask to join. */
export function enterCreating(state: Cluster, now: Millis): readonly ClusterEffect[] {
  const common = [...news(state), expire(state, now)];
  if (state.retryAt > now) return [...common, again(state.retryAt - now)];
  if (state.hashes === null) return [...common, state.charged ? charge(state, 0) : tokens(state)];
  const unknown = names(state).filter((node) => !state.expected.includes(node));
  if (unknown.length === 0) return [...common, create(state)];
  const { hashes } = state;
  return [...common, ...unknown.map((node) => expectNode(state, node, hashes[node] ?? '', now))];
}

const tokens = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'tokens',
  input: { cluster: state.name, life: state.life, nodes: names(state) },
});

/** Asks the registry to expect a node, by the hash of its token. */
const expectNode = (
  { name: cluster }: Cluster,
  node: string,
  tokenHash: string,
  now: Millis,
): ClusterEffect => ({
  do: 'ask',
  to: control(`/nodes/${node}`),
  ms: limits.claimMs,
  key: node,
  message: message('node.expect', {
    node,
    cluster,
    role: 'worker',
    tokenHash,
    expiresAt: now + limits.tokenMs,
  }),
});

const create = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'create',
  input: {
    cluster: state.name,
    life: state.life,
    job: state.job,
    owner: state.owner,
    made: state.made as NonNullable<Cluster['made']>,
    nodes: names(state),
  },
});

export function creating(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done':
      if (event.task === 'tokens') return [once(state, { hashes: event.value }), []];
      if (event.task === 'create') return [created(state, event.value, now), []];
      return stay(state);
    case 'answered': {
      if (event.key === CHARGE) return [state, [tokens(state)]];
      const expected = [...new Set([...state.expected, event.key])];
      const isAll = expected.length >= state.members.length;
      return [isAll ? once(state, { expected }) : { ...state, expected }, []];
    }
    case 'again':
      return [once(state, {}), []];
    case 'unanswered':
      if (event.failure.code === 'over_budget') return [release(state, now, event.failure), []];
      return [once(state, { retryAt: now + limits.againMs }), []];
    case 'failed':
      return [failed(state, event.failure, now), []];
    case 'late':
      return [release(state, now, failure('timeout', 'the site did not create it in time')), []];
    default:
      return stay(state);
  }
}

/** Its machines may have been there before the site's answer was. */
function created(state: Cluster, made: ClusterTasks['create'][1], now: Millis): Cluster {
  const { externalId, evicted } = made;
  const change = { externalId, detail: SPAWNED, ...(evicted && { evicted }) };
  return whenJoined(to(state, 'joining', now, change), now);
}

/** A site that says no for good, or too often, ends the creation; what it made must go. */
function failed(state: Cluster, why: NonNullable<Cluster['failure']>, now: Millis): Cluster {
  const isFinal = !why.retry || why.code === 'quota' || why.code === 'capacity';
  if (isFinal || state.tries + 1 >= limits.createTriesMax) return release(state, now, why);
  const retryAt = now + limits.againMs * 2 ** state.tries;
  const detail = `Initiate a new partition: trying again, since ${why.text}`;
  return once(state, { tries: state.tries + 1, retryAt, detail });
}

export const enterJoining = (state: Cluster, now: Millis): readonly ClusterEffect[] => [
  ...news(state),
  poll(state),
  ...attachAll(state),
  expire(state, now),
];

export const poll = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'poll',
  input: { remote: remoteOf(state), cluster: state.name },
});

export function joining(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done':
      return event.task === 'poll' ? polled(state, event.value, now) : stay(state);
    case 'again':
      return [state, [poll(state)]];
    case 'step':
      return stepped(state, event);
    case 'attach':
      return [state, [attach(state, event.node)]];
    case 'failed':
      if (event.task !== 'attach') return [state, [again(limits.pollMs)]];
      // Another host than the one that we know, or one that does not let us in, stays so.
      if (!event.failure.retry) return [release(state, now, event.failure), []];
      return [state, [attachAgain(event.key, limits.attachAgainMs)]];
    case 'late':
      return [release(state, now, failure('timeout', 'its nodes did not join in time')), []];
    default:
      return stay(state);
  }
}

type Polled = ClusterTasks['poll'][1];

/** Why the site has no such partition to offer any more, if it says so for good; and its tries. */
export function whatSiteSays(
  state: Cluster,
  partition: Polled,
  unknownMax: number,
): { readonly why: string; readonly tries: number } {
  if (partition?.status === 'failed') {
    const why = partition.description || 'the site says that it failed, and not why';
    return { why, tries: 0 };
  }
  const isMissing = partition === null || partition.status === 'deleting';
  const tries = isMissing ? state.tries + 1 : 0;
  const isVanished = tries >= unknownMax;
  return { why: isVanished ? 'the site does not know the partition any more' : '', tries };
}

/** What the site says of it, and how often in a row it said that it knows no such partition. */
function polled(state: Cluster, partition: Polled, now: Millis): ClusterStep {
  const { why, tries } = whatSiteSays(state, partition, limits.unlistedMax);
  const code = partition?.evicted?.length ? 'evicted' : 'boot_failed';
  if (why !== '') return [release(state, now, failure(code, why)), []];
  const isReady = partition?.status === 'succeeded';
  const said = isReady ? READY : SPAWNED;
  // Who attaches its machines knows better how far they are.
  const detail = [SPAWNED, READY].includes(state.detail) ? said : state.detail;
  const isNew = detail !== state.detail;
  const next = isNew || tries !== state.tries ? { ...state, detail, tries } : state;
  return [next, [again(limits.pollMs), ...(isNew ? news(next) : [])]];
}

/** A cluster is up once all of its nodes are. */
export const whenJoined = (state: Cluster, now: Millis): Cluster =>
  state.phase === 'joining' && state.members.every((m) => m.phase === 'up')
    ? to(state, 'up', now, { detail: 'Sky Port connected' })
    : state;
