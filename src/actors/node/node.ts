import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Resources } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** What the registry knows of a node: who may join under its name, and how its link is. */
export type NodeRecord = {
  readonly phase: 'expected' | 'up' | 'silent' | 'gone';
  readonly round: number;
  readonly name: string;
  readonly cluster: string;
  readonly role: 'head' | 'worker';
  /** SHA-256 of the join token; the token itself is never kept. */
  readonly tokenHash: string;
  readonly expiresAt: Millis;
  /** The key that the token was spent on: the same request again gets the same answer. */
  readonly publicKey: string;
  readonly address: string;
  readonly resources: Resources;
  readonly version: string;
  readonly since: Millis;
};

export type NodeHears = 'node.expect' | 'node.join' | 'node.hello' | 'node.link' | 'node.remove';
export type NodeEvent = { readonly is: 'unheard' };
export type NodeTasks = Record<never, never>;
type NodeEffect = Effect<NodeEvent, NodeTasks>;
type NodeStep = Step<NodeRecord, NodeEvent, NodeTasks>;

export type NodeArgs = Body<'node.expect'> | Body<'node.hello'>;

const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };
/** Nodes that no cluster was made for belong to this one. */
export const STANDING = 'here';

/** A node's place in the registry. A node that is gone is refused for ever, under that name. */
export const node: Behaviour<NodeArgs, NodeRecord, NodeHears, NodeEvent, NodeTasks> = {
  init: (args, now) => ({
    phase: 'expected',
    round: 0,
    name: args.node,
    cluster: 'cluster' in args ? args.cluster : STANDING,
    role: 'role' in args ? args.role : 'head',
    tokenHash: '',
    expiresAt: 0,
    publicKey: '',
    address: '',
    resources: NOTHING,
    version: '',
    since: now,
  }),

  on(state, event, now) {
    if (event.is === 'unheard') return [silent(state, now), []];
    if (event.is !== 'told') return [state, []];
    const { message: m, ask } = event;
    switch (m.name) {
      case 'node.expect':
        return expected(state, m.body as Body<'node.expect'>, ask, now);
      case 'node.join':
        return join(state, m.body as Body<'node.join'>, ask, now);
      case 'node.hello':
        return hello(state, m.body as Body<'node.hello'>, event.who, ask, now);
      case 'node.link':
        if (state.phase === 'gone' || (m.body as Body<'node.link'>).up) return [state, []];
        return [silent(state, now), []];
      case 'node.remove':
        return [
          state.phase === 'gone' ? state : { ...state, phase: 'gone', since: now, publicKey: '' },
          [{ do: 'reply', ask, body: {} }],
        ];
    }
  },

  enter(state): readonly NodeEffect[] {
    // After a restart nobody knows whether the link stands: it must be heard of again.
    const check: NodeEffect = {
      do: 'after',
      ms: limits.silenceMsMax * 2,
      event: { is: 'unheard' },
    };
    return state.phase === 'up' && state.cluster !== STANDING
      ? [toCluster(state), check]
      : [toCluster(state)];
  },
};

function toCluster(state: NodeRecord): NodeEffect {
  const { cluster, name, phase, since, address, resources } = state;
  return {
    do: 'tell',
    to: control(`/clusters/${cluster}`),
    message: message('cluster.node', { cluster, node: name, phase, since, address, resources }),
  };
}

const silent = (state: NodeRecord, now: Millis): NodeRecord =>
  state.phase === 'up' ? { ...state, phase: 'silent', since: now } : state;

/** Of a name that is used again, nothing of its former bearer is left. */
function expected(
  state: NodeRecord,
  { cluster, role, tokenHash, expiresAt }: Body<'node.expect'>,
  ask: number,
  now: Millis,
): NodeStep {
  const reply: NodeEffect = { do: 'reply', ask, body: {} };
  const fresh = state.tokenHash !== tokenHash;
  if (!fresh && state.phase !== 'gone') return [state, [reply, toCluster(state)]];
  const next: NodeRecord = {
    ...state,
    phase: 'expected',
    round: state.round + 1,
    cluster,
    role,
    tokenHash,
    expiresAt,
    publicKey: '',
    address: '',
    resources: NOTHING,
    since: now,
  };
  return [next, [reply]];
}

function join(
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

function hello(
  state: NodeRecord,
  { node: name, address, resources, version }: Body<'node.hello'>,
  who: Who,
  ask: number,
  now: Millis,
): NodeStep {
  if (who.door !== 'local' && who.id !== name) {
    const why = failure('forbidden', `${who.id} may not speak for ${name}`);
    return [state, [{ do: 'refuse', ask, failure: why }]];
  }
  const reply: NodeEffect = { do: 'reply', ask, body: {} };
  if (state.phase === 'gone')
    return [state, [{ do: 'refuse', ask, failure: failure('refused', 'this node was removed') }]];
  const since = state.phase === 'up' ? state.since : now;
  const round = state.round + 1;
  return [{ ...state, phase: 'up', since, address, resources, version, round }, [reply]];
}
