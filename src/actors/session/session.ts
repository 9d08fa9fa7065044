import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { addressee, type Body, type Message, message, type Name } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Signal, Step, Told } from '../../runtime/behaviour.ts';
import { isForAdmins } from '../job/admins.ts';

export type SessionArgs = {
  readonly user: Who;
  /** The address that the terminal has, as `job.create` has it. */
  readonly from?: string;
};
export type Session = {
  readonly phase: 'open';
  readonly user: Who;
  readonly from: string;
  /** Calls not yet answered. The number of its question is the key of the work on each. */
  readonly calls: number;
};

/** What a terminal may ask; those for a job go on to the job. */
export const TERMINAL_CALLS = [
  'job.submit',
  'job.list',
  'job.show',
  'job.cancel',
  'job.requeue',
  'job.checkpoint',
  'job.hold',
  'job.release',
  'job.update',
  'job.tie',
  'job.why',
  'job.when',
  'job.plan',
  'job.purge',
  'node.list',
  'node.gone',
  'node.drain',
  'node.resume',
  'node.add',
  'head.list',
  'head.add',
  'head.remove',
  'head.transfer',
  'head.backup',
  'cluster.list',
  'flavor.list',
  'image.list',
  'remote.list',
  'node.status',
  'user.show',
  'secret.set',
  'secret.list',
  'secret.remove',
  'gate.list',
  'sweep.confirm',
  'user.list',
  'user.add',
  'user.revoke',
  'user.renew',
  'audit.list',
  'usage.list',
  'account.list',
  'schedule.add',
  'schedule.list',
  'schedule.set',
  'entry.list',
  'entry.check',
  'entry.change',
] as const satisfies readonly Name[];

type SessionHears = (typeof TERMINAL_CALLS)[number];

type Vouched = { readonly user: Who; readonly message: Message };

/** Answers that are read, not decided: by the name of the call. */
export type SessionTasks = {
  /** Parses and checks a submission, and gives what makes the job. */
  admit: readonly [
    { readonly user: Who; readonly from: string; readonly body: Body<'job.submit'> },
    Body<'job.create'>,
  ];
  /** What is to be said to whom it is for: with a whole id, or to the owner's safe. */
  resolve: readonly [{ readonly user: Who; readonly message: Message }, Message];
  /** Whom a call is from that admins of accounts may make, as its job is to know. */
  vouch: readonly [Vouched, Vouched];
  read: readonly [{ readonly user: Who; readonly message: Message }, object];
};
type SessionEffect = Effect<never, SessionTasks>;
type SessionStep = Step<Session, never, SessionTasks>;

/**
 * One terminal's connection. It is given the user by the door; it forwards what is for a job, has
 * the rest read, and gives each call its answer.
 */
export const session: Behaviour<SessionArgs, Session, SessionHears, never, SessionTasks> = {
  init: ({ user, from = '' }) => ({ phase: 'open', user, from, calls: 0 }),
  enter: () => [],
  on(state, event) {
    return event.is === 'told' ? called(state, event) : worked(state, event);
  },
};

function called(state: Session, event: Told<SessionHears>): SessionStep {
  const { ask } = event;
  if (state.calls >= limits.callsMax) {
    const why = failure('busy', `more than ${limits.callsMax} calls at once`);
    return [state, [{ do: 'refuse', ask, failure: why }]];
  }
  const next = { ...state, calls: state.calls + 1 };
  return [next, [work(state, event.message as Message, String(ask))]];
}

/** What is said in other words to whom it is for. */
const resolved: readonly Name[] = [
  'secret.set',
  'secret.remove',
  'user.revoke',
  'schedule.add',
  'schedule.set',
  'entry.change',
];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function work({ user, from }: Session, asked: Message, key: string): SessionEffect {
  if (asked.name === 'job.submit')
    return { do: 'run', task: 'admit', key, input: { user, from, body: asked.body } };
  const id = 'id' in asked.body ? asked.body.id : undefined;
  const isShort = typeof id === 'string' && !UUID.test(id);
  return isShort || resolved.includes(asked.name)
    ? { do: 'run', task: 'resolve', key, input: { user, message: asked } }
    : toward(user, asked, key);
}

/** Operators need nobody's word. */
function toward(user: Who, asked: Message, key: string): SessionEffect {
  return user.door === 'terminal' && isForAdmins(asked.name)
    ? { do: 'run', task: 'vouch', key, input: { user, message: asked } }
    : goOn(user, asked, key);
}

/** To the job that it is for, else to what reads the answer. */
function goOn(user: Who, asked: Message, key: string): SessionEffect {
  const path = addressee(asked.name, asked.body);
  if (path === undefined) return { do: 'run', task: 'read', key, input: { user, message: asked } };
  return { do: 'ask', to: control(path), message: asked, ms: limits.callMs, key, as: user };
}

function worked(state: Session, event: Signal<SessionTasks>): SessionStep {
  if (event.is === 'down') return [state, []];
  const { key } = event;
  const ask = Number(key);
  const over = { ...state, calls: state.calls - 1 };
  switch (event.is) {
    case 'answered':
      return [over, [{ do: 'reply', ask, body: event.body }]];
    case 'unanswered':
    case 'failed':
      return [over, [{ do: 'refuse', ask, failure: event.failure }]];
    case 'done':
      if (event.task === 'read') return [over, [{ do: 'reply', ask, body: event.value }]];
      if (event.task === 'resolve') return [state, [toward(state.user, event.value, key)]];
      if (event.task === 'vouch')
        return [state, [goOn(event.value.user, event.value.message, key)]];
      return [state, [goOn(state.user, message('job.create', event.value), key)]];
  }
}
