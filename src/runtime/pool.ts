import type { Behaviour, Effect, Millis, Step } from './behaviour.ts';
import { type Backoff, backoffMs } from './supervisor.ts';

export type PoolPolicy = {
  /** More than `max` crashes of one child within `withinMs`, and the pool gives up on it. */
  readonly max: number;
  readonly withinMs: Millis;
  readonly backoff: Backoff;
  /** Children opened per step after a start, so that a full pool does not stall the node. */
  readonly openPerStep: number;
};

export type PoolArgs = {
  readonly policy: PoolPolicy;
  readonly family: string;
  /** Names of the children that must live from the start. */
  readonly live: readonly string[];
};

/**
 * Children come and go by name, and there may be very many: the state holds only those in trouble,
 * and those still to be opened.
 */
export type PoolState = PoolArgs & {
  readonly phase: 'on';
  readonly crashes: Readonly<Record<string, readonly Millis[]>>;
};

export type PoolEvent =
  | {
      readonly is: 'exited';
      readonly name: string;
      readonly crashed: boolean;
      readonly why: string;
    }
  | { readonly is: 'restart'; readonly name: string }
  | { readonly is: 'open' };

type NoTasks = Record<never, never>;
type PoolStep = Step<PoolState, PoolEvent, NoTasks>;

/** Keeps the children of a pool: each crashes alone, and is given up alone. */
export const pool: Behaviour<PoolArgs, PoolState, never, PoolEvent, NoTasks> = {
  init: (args) => ({ ...args, phase: 'on', crashes: {} }),
  enter: (state) => (state.live.length > 0 ? [{ do: 'after', ms: 0, event: { is: 'open' } }] : []),
  on(state, event, now) {
    if (event.is === 'open') return openSome(state);
    if (event.is === 'exited') return exited(state, event, now);
    if (event.is === 'restart') return [state, [{ do: 'respawn', name: event.name }]];
    return [state, []];
  },
};

function openSome(state: PoolState): PoolStep {
  const { openPerStep } = state.policy;
  const effects: Effect<PoolEvent, NoTasks>[] = state.live
    .slice(0, openPerStep)
    .map((name) => ({ do: 'spawn', family: state.family, name, args: undefined }));
  const live = state.live.slice(openPerStep);
  if (live.length > 0) effects.push({ do: 'after', ms: 1, event: { is: 'open' } });
  return [{ ...state, live }, effects];
}

function exited(
  state: PoolState,
  { name, crashed, why }: PoolEvent & { is: 'exited' },
  now: Millis,
): PoolStep {
  // Most children end well and never crashed: nothing is copied for them.
  if (!crashed && state.crashes[name] === undefined) return [state, []];
  const { [name]: before = [], ...others } = state.crashes;
  if (!crashed) return [{ ...state, crashes: others }, []];
  const { max, withinMs, backoff } = state.policy;
  const crashes = [...before.filter((at) => now - at < withinMs), now];
  if (crashes.length > max)
    return [
      { ...state, crashes: others },
      [
        { do: 'halt', name },
        { do: 'note', level: 'error', text: 'gave up on a child', fields: { name, why } },
      ],
    ];
  const ms = backoffMs(backoff, crashes.length);
  return [
    { ...state, crashes: { ...others, [name]: crashes } },
    [{ do: 'after', ms, event: { is: 'restart', name } }],
  ];
}
