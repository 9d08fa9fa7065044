import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Resources } from '../../protocol/model.ts';
import { control, ref } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { drain, resume } from './drain.ts';
import { evicted } from './evicted.ts';
import { join } from './join.ts';

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
  /** Whether its cluster has heard that it is gone. */
  readonly told: boolean;
  /** Its record is deleted: nobody remembers it. */
  readonly erased: boolean;
  /** An operator wants no new jobs there, and perhaps those that run there elsewhere. */
  readonly drained?: {
    readonly since: Millis;
    readonly reason: string;
    readonly requeue: boolean;
  } | null;
  /** When the node itself said that its site takes the machine back; 0: it did not. */
  readonly evictedAt?: Millis;
  /** What its configuration calls it, for jobs that say `constraint`. */
  readonly labels?: readonly string[] | null;
};

export type NodeHears =
  | 'node.expect'
  | 'node.join'
  | 'node.hello'
  | 'node.evicted'
  | 'node.link'
  | 'node.remove'
  | 'node.gone'
  | 'node.drain'
  | 'node.resume'
  | 'node.forget';
export type NodeEvent = { readonly is: 'again' };
export type NodeTasks = Record<never, never>;
export type NodeEffect = Effect<NodeEvent, NodeTasks>;
export type NodeStep = Step<NodeRecord, NodeEvent, NodeTasks>;

export type NodeArgs = Body<'node.expect'> | Body<'node.hello'>;

const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };
/** Nodes that no cluster was made for belong to this one. */
export const STANDING = 'here';

/** A node's place in the registry. One that is gone is refused until its name is expected anew. */
export const node: Behaviour<NodeArgs, NodeRecord, NodeHears, NodeEvent, NodeTasks> = {
  // Whoever says hello before it was expected is let in by what it says only if it is ourselves.
  init: (args, now) => ({
    phase: 'gone',
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
    told: true,
    erased: true,
    drained: null,
    evictedAt: 0,
    labels: null,
  }),

  on(state, event, now) {
    switch (event.is) {
      case 'told':
        return told(state, event, now);
      case 'down':
        return [silent(state, now), []];
      case 'again':
        return [state, [toCluster(state)]];
      case 'unanswered':
        return [state, [{ do: 'after', ms: limits.againMs, event: { is: 'again' } }]];
      case 'answered':
        return [state.phase === 'gone' ? { ...state, told: true } : state, []];
      default:
        return [state, []];
    }
  },

  enter(state): readonly NodeEffect[] {
    switch (state.phase) {
      case 'up':
        // Whatever lives there ends, for us, with the link: also the one that a restart has cut.
        return [toCluster(state), { do: 'watch', who: ref(state.name, '') }];
      case 'expected':
      case 'silent':
        return [toCluster(state)];
      case 'gone':
        return state.told ? [] : [toCluster(state)];
    }
  },
};

function told(state: NodeRecord, event: Told<NodeHears>, now: Millis): NodeStep {
  const { message: m, ask, who } = event;
  switch (m.name) {
    case 'node.expect':
      return expected(state, m.body as Body<'node.expect'>, ask, now);
    case 'node.join':
      return join(state, m.body as Body<'node.join'>, ask, now);
    case 'node.hello':
      return hello(state, m.body as Body<'node.hello'>, who, ask, now);
    case 'node.evicted':
      return evicted(state, who, ask, now);
    case 'node.link':
      return [(m.body as Body<'node.link'>).up ? state : silent(state, now), []];
    case 'node.remove':
      return [gone(state, now), [{ do: 'reply', ask, body: {} }]];
    case 'node.gone':
      return givenUp(state, who, ask, now);
    case 'node.drain':
      return drain(state, m.body as Body<'node.drain'>, who, ask, now);
    case 'node.resume':
      return resume(state, who, ask);
    case 'node.forget': {
      const { before } = m.body as Body<'node.forget'>;
      const isOld = state.phase === 'gone' && state.told && state.since < before;
      return [isOld ? { ...state, erased: true } : state, []];
    }
  }
}

/** Tells its cluster how it is, until that has saved it. */
function toCluster(state: NodeRecord): NodeEffect {
  const { cluster, name: node, phase, since, address, resources } = state;
  const { drained, evictedAt = 0, labels } = state;
  const known = { cluster, node, phase, since, address, resources };
  const body = { ...known, ...(labels?.length && { labels: [...labels] }) };
  const kept = drained && { drained: drained.requeue ? ('requeue' as const) : ('keep' as const) };
  const taken = evictedAt > 0 && { evicted: true };
  return {
    do: 'ask',
    to: control(`/clusters/${cluster}`),
    message: message('cluster.node', { ...body, ...kept, ...taken }),
    ms: limits.claimMs,
  };
}

const silent = (state: NodeRecord, now: Millis): NodeRecord =>
  state.phase === 'up' ? { ...state, phase: 'silent', since: now } : state;

const gone = (state: NodeRecord, now: Millis): NodeRecord =>
  state.phase === 'gone'
    ? state
    : { ...state, phase: 'gone', since: now, publicKey: '', tokenHash: '', told: false };

/** An operator's word that what runs there is over; nobody else can know it of a given host. */
function givenUp(state: NodeRecord, who: Who, ask: number, now: Millis): NodeStep {
  const refuse = (code: 'forbidden' | 'wrong_phase', text: string): NodeStep => [
    state,
    [{ do: 'refuse', ask, failure: failure(code, text) }],
  ];
  if (who.door !== 'operator' && who.door !== 'local')
    return refuse('forbidden', 'only an operator can give up a node');
  if (state.role === 'head' && state.phase === 'up')
    return refuse('wrong_phase', `${state.name} is a head, and is up: stop it first`);
  const { name: node, cluster } = state;
  return [gone(state, now), [{ do: 'reply', ask, body: { node, cluster } }]];
}

/** Of a name that is used again, nothing of its former bearer is left. */
function expected(
  state: NodeRecord,
  { cluster, role, tokenHash, expiresAt }: Body<'node.expect'>,
  ask: number,
  now: Millis,
): NodeStep {
  const reply: NodeEffect = { do: 'reply', ask, body: {} };
  if (state.phase !== 'gone' && state.tokenHash === tokenHash) return [state, [reply]];
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
    drained: null,
    evictedAt: 0,
    erased: false,
  };
  return [next, [reply]];
}

function hello(
  state: NodeRecord,
  { node: name, address, resources, version, labels = [] }: Body<'node.hello'>,
  who: Who,
  ask: number,
  now: Millis,
): NodeStep {
  const refuse = (code: 'forbidden' | 'refused', text: string): NodeStep => [
    state,
    [{ do: 'refuse', ask, failure: failure(code, text) }],
  ];
  const isOurs = who.door === 'local';
  if (!isOurs && who.id !== name) return refuse('forbidden', `${who.id} may not speak for ${name}`);
  if (!isOurs && state.phase === 'gone') return refuse('refused', `node ${name} was removed`);
  // A certificate of the name's former bearer proves nothing about this one. The first head never
  // joined; what it shows was signed with its own authority.
  if (!isOurs && state.publicKey === '' && !(state.role === 'head' && who.door === 'head'))
    return refuse('refused', `node ${name} has not joined yet`);
  const since = state.phase === 'up' ? state.since : now;
  const round = state.round + 1;
  const heard = { phase: 'up', since, address, resources, version, round, erased: false } as const;
  return [{ ...state, ...heard, labels }, [{ do: 'reply', ask, body: {} }]];
}
