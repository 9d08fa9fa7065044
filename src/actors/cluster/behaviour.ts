import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
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
  type Member,
  news,
  stay,
  to,
} from './cluster.ts';

/**
 * A cluster owns its capacity: only a hold that it saved lets a job use it. One that was made for
 * a job is removed when nothing holds it, and nothing but the site's word makes it `gone`.
 */
export const cluster: Behaviour<ClusterArgs, Cluster, ClusterHears, ClusterEvent, ClusterTasks> = {
  init: fromArgs,

  on(state, event, now) {
    if (event.is === 'told') {
      switch (event.message.name) {
        case 'cluster.claim':
          return claim(state, event.message.body as Body<'cluster.claim'>, event.ask, now);
        case 'cluster.unclaim':
          return unclaim(state, event.message.body as Body<'cluster.unclaim'>, event.ask, now);
        case 'cluster.node':
          return memberMoved(state, event.message.body as Body<'cluster.node'>, now);
        case 'cluster.condemn':
          return condemn(state, event.message.body as Body<'cluster.condemn'>, now);
      }
    }
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
        return stay(state);
    }
  },

  enter(state, now): readonly ClusterEffect[] {
    switch (state.phase) {
      case 'creating':
        return [...news(state), tokens(state), expire(state, now)];
      case 'joining':
        return [...news(state), tokens(state), poll(state), expire(state, now)];
      case 'up':
        return state.made === null
          ? news(state)
          : [...news(state), tokens(state), ...state.members.flatMap((m) => watchSilence(m, now))];
      case 'releasing':
        return [...news(state), remove(state)];
      case 'gone':
        return news(state);
    }
  },
};

/** A stray bears a name that we know to be gone, or not at all: it goes the way of all clusters. */
function condemn(
  state: Cluster,
  { remote, externalId }: Body<'cluster.condemn'>,
  now: Millis,
): ClusterStep {
  if (state.phase !== 'gone') return stay(state);
  const made = { ...(state.made ?? { flavor: '-', image: '', price: 0 }), remote };
  return [to(state, 'releasing', now, { made, externalId, detail: 'a stray' }), []];
}

const names = (state: Cluster): string[] => state.members.map((m) => m.name);

const tokens = ({ name, round, ...state }: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'tokens',
  input: { cluster: name, round, nodes: state.members.map((m) => m.name) },
});

const expire = (state: Cluster, now: Millis): ClusterEffect => ({
  do: 'after',
  ms: state.createdAt + limits.provisionMsMax - now,
  event: { is: 'late' },
});

const remoteOf = (state: Cluster): string => state.made?.remote ?? '';

const poll = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'poll',
  input: { remote: remoteOf(state), cluster: state.name },
});

const remove = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'remove',
  input: { remote: remoteOf(state), cluster: state.name, externalId: state.externalId },
});

const again = (ms: Millis): ClusterEffect => ({ do: 'after', ms, event: { is: 'again' } });

/** Asks the registry to expect each node, by the hash of its token. */
const expectNodes = (
  state: Cluster,
  hashes: Readonly<Record<string, string>>,
  now: Millis,
): readonly ClusterEffect[] =>
  names(state).map((node) => ({
    do: 'ask',
    to: control(`/nodes/${node}`),
    ms: limits.claimMs,
    key: node,
    message: message('node.expect', {
      node,
      cluster: state.name,
      role: 'worker',
      tokenHash: hashes[node] ?? '',
      expiresAt: now + limits.tokenMs,
    }),
  }));

function creating(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done':
      if (event.task === 'tokens')
        return [{ ...state, expected: [] }, expectNodes(state, event.value, now)];
      if (event.task === 'create') {
        const { externalId } = event.value;
        return [
          to(state, 'joining', now, { externalId, tries: 0, detail: 'Partition spawned' }),
          [],
        ];
      }
      return stay(state);
    case 'answered': {
      const expected = [...new Set([...state.expected, event.key])];
      const next = { ...state, expected };
      if (expected.length < state.members.length) return [next, []];
      return [next, [create(state)]];
    }
    case 'again':
      return [state, [tokens(state)]];
    case 'unanswered':
      return [state, [again(limits.againMs)]];
    case 'failed':
      return [failed(state, event.failure, now), [again(limits.againMs * 2 ** state.tries)]];
    case 'late':
      return [release(state, now, failure('timeout', 'the site did not create it in time')), []];
    default:
      return stay(state);
  }
}

const create = (state: Cluster): ClusterEffect => ({
  do: 'run',
  task: 'create',
  input: {
    cluster: state.name,
    round: state.round,
    job: state.job,
    owner: state.owner,
    made: state.made as NonNullable<Cluster['made']>,
    nodes: names(state),
  },
});

/** A site that says no for good, or too often, ends the creation; what it made must go. */
function failed(state: Cluster, why: NonNullable<Cluster['failure']>, now: Millis): Cluster {
  const final = !why.retry || why.code === 'quota' || why.code === 'capacity';
  if (final || state.tries + 1 >= limits.createTriesMax) return release(state, now, why);
  return { ...state, tries: state.tries + 1, detail: `trying again: ${why.text}` };
}

export const release = (
  state: Cluster,
  now: Millis,
  why: Cluster['failure'] = state.failure,
): Cluster =>
  to(state, 'releasing', now, {
    failure: why,
    tries: 0,
    detail: why === null ? 'Releasing the partition' : `Releasing the partition: ${why.text}`,
  });

function joining(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done':
      if (event.task === 'tokens') return [state, expectNodes(state, event.value, now)];
      if (event.task === 'poll') return polled(state, event.value, now);
      return stay(state);
    case 'again':
      return [state, [poll(state)]];
    case 'failed':
      return [state, [again(limits.pollMs)]];
    case 'late':
      return [release(state, now, failure('timeout', 'its nodes did not join in time')), []];
    default:
      return stay(state);
  }
}

function polled(state: Cluster, partition: ClusterTasks['poll'][1], now: Millis): ClusterStep {
  if (partition?.status === 'failed')
    return [release(state, now, failure('boot_failed', partition.description)), []];
  const detail =
    partition?.status === 'succeeded' ? 'Waiting for Sky Port readiness' : 'Partition spawned';
  const next = detail === state.detail ? state : { ...state, detail };
  return [next, [again(limits.pollMs), ...(next === state ? [] : news(next))]];
}

function up(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  if (event.is === 'done' && event.task === 'tokens')
    return [state, expectNodes(state, event.value, now)];
  if (event.is !== 'late' || state.made === null) return stay(state);
  const lost = state.members.find(
    (m) => m.phase === 'silent' && now - m.since >= limits.silentMsMax,
  );
  if (lost === undefined) return stay(state);
  return [release(state, now, failure('lost', `node ${lost.name} is silent`)), []];
}

const watchSilence = (member: Member, now: Millis): readonly ClusterEffect[] =>
  member.phase === 'silent'
    ? [{ do: 'after', ms: member.since + limits.silentMsMax - now, event: { is: 'late' } }]
    : [];

function releasing(state: Cluster, event: ClusterHeard, now: Millis): ClusterStep {
  switch (event.is) {
    case 'done': {
      if (event.task !== 'remove') return stay(state);
      const members = state.members.map((m) => ({ ...m, phase: 'gone' as const, since: now }));
      const gone = to(state, 'gone', now, { members, detail: 'gone' });
      return [gone, removeNodes(state)];
    }
    case 'failed':
      return [
        { ...state, tries: state.tries + 1, detail: `cannot be removed: ${event.failure.text}` },
        [again(limits.removeAgainMs), ...news(state)],
      ];
    case 'again':
      return [state, [remove(state)]];
    default:
      return stay(state);
  }
}

const removeNodes = (state: Cluster): readonly ClusterEffect[] =>
  names(state).map((node) => ({
    do: 'tell',
    to: control(`/nodes/${node}`),
    message: message('node.remove', { node }),
  }));

function memberMoved(state: Cluster, body: Body<'cluster.node'>, now: Millis): ClusterStep {
  if (state.phase === 'releasing' || state.phase === 'gone') return stay(state);
  const { node: name, phase, since, address, resources } = body;
  const member: Member = { name, phase, since, address, resources };
  const known = state.members.find((m) => m.name === name);
  if (known === undefined && state.made !== null) return stay(state);
  if (known !== undefined && same(known, member)) return stay(state);
  const members =
    known === undefined
      ? [...state.members, member]
      : state.members.map((m) => (m === known ? member : m));
  const next = { ...state, members };
  if (state.phase === 'joining' && members.every((m) => m.phase === 'up'))
    return [to(next, 'up', now, { detail: 'Sky Port connected' }), []];
  const detail = phase === 'silent' ? `node ${name} is silent` : state.detail;
  const told = { ...next, detail };
  return [told, [...news(told), ...(state.made ? watchSilence(member, now) : [])]];
}

const same = (a: Member, b: Member): boolean =>
  a.phase === b.phase &&
  a.address === b.address &&
  a.resources.cpus === b.resources.cpus &&
  a.resources.memoryBytes === b.resources.memoryBytes &&
  a.resources.gpus === b.resources.gpus;
