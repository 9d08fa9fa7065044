import type { Behaviour, Effect, Millis, Step } from './behaviour.ts';

/** `permanent` children always come back, `transient` ones only after a crash. */
export type ChildSpec = {
  readonly name: string;
  readonly family: string;
  readonly args: unknown;
  readonly restart: 'permanent' | 'transient';
};

export type Policy = {
  /** Whom a crash restarts: the one that crashed, also those started after it, or all. */
  readonly strategy: 'one' | 'rest' | 'all';
  /** More than `max` restarts of all children within `withinMs`, and the supervisor crashes too. */
  readonly max: number;
  readonly withinMs: Millis;
  readonly backoff: Backoff;
};

export type Backoff = { readonly minMs: Millis; readonly maxMs: Millis };

type Child = ChildSpec & { readonly status: 'up' | 'waiting' | 'done' };
export type Supervisor = {
  readonly phase: 'on';
  readonly policy: Policy;
  readonly children: readonly Child[];
  readonly crashes: readonly Millis[];
};
export type SupervisorEvent =
  | {
      readonly is: 'exited';
      readonly name: string;
      readonly crashed: boolean;
      readonly why: string;
    }
  | { readonly is: 'restart'; readonly name: string };

export type SupervisorArgs = { readonly policy: Policy; readonly children: readonly ChildSpec[] };
type NoTasks = Record<never, never>;
type Out = Effect<SupervisorEvent, NoTasks>;
type SupervisorStep = Step<Supervisor, SupervisorEvent, NoTasks>;

const start = (c: ChildSpec): Out => ({
  do: 'spawn',
  family: c.family,
  name: c.name,
  args: c.args,
});

/** How long the n-th crash in a row waits for its restart; n counts from 1. */
export const backoffMs = ({ minMs, maxMs }: Backoff, crashes: number): Millis =>
  Math.min(maxMs, minMs * 2 ** Math.max(0, crashes - 1));

/** Keeps a fixed set of children, in order: a part of the tree that is always there. */
export const supervisor: Behaviour<SupervisorArgs, Supervisor, never, SupervisorEvent, NoTasks> = {
  init: ({ policy, children }) => ({
    phase: 'on',
    policy,
    children: children.map((c) => ({ ...c, status: 'up' })),
    crashes: [],
  }),
  enter: (state) => state.children.filter((c) => c.status === 'up').map(start),
  on(state, event, now) {
    if (event.is === 'exited') return exited(state, event, now);
    if (event.is === 'restart') return restart(state, event.name);
    return [state, []];
  },
};

function exited(
  state: Supervisor,
  { name, crashed, why }: SupervisorEvent & { is: 'exited' },
  now: Millis,
): SupervisorStep {
  const child = state.children.find((c) => c.name === name);
  if (child === undefined || child.status !== 'up') return [state, []];
  if (!crashed && child.restart === 'transient') return [mark(state, name, 'done'), []];
  const { max, withinMs, backoff } = state.policy;
  const crashes = [...state.crashes.filter((at) => now - at < withinMs), now];
  if (crashes.length > max) throw new Error(`${name} ends too often: ${why}`);
  const ms = backoffMs(backoff, crashes.length);
  return [
    { ...mark(state, name, 'waiting'), crashes },
    [{ do: 'after', ms, event: { is: 'restart', name } }],
  ];
}

/** Starts a child again, and with it those that the strategy says, in the order of the list. */
function restart(state: Supervisor, name: string): SupervisorStep {
  const at = state.children.findIndex((c) => c.name === name && c.status === 'waiting');
  if (at < 0) return [state, []];
  const { strategy } = state.policy;
  const others = state.children.filter(
    (c, i) => c.status === 'up' && (strategy === 'all' || (strategy === 'rest' && i > at)),
  );
  const stops = others.toReversed().map((c): Out => ({ do: 'halt', name: c.name, keep: true }));
  const starts = state.children.filter((c) => c.name === name || others.includes(c)).map(start);
  return [mark(state, name, 'up'), [...stops, ...starts]];
}

const mark = (state: Supervisor, name: string, status: Child['status']): Supervisor => ({
  ...state,
  children: state.children.map((c) => (c.name === name ? { ...c, status } : c)),
});
