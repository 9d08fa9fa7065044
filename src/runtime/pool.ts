import type { Behaviour, Effect, Millis, Step } from './behaviour.ts';
import { type Backoff, backoffMs } from './supervisor.ts';

export type PoolPolicy = {
  /** After more than `max` crashes within `withinMs` a child is left alone for as long again. */
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
type PoolEffect = Effect<PoolEvent, NoTasks>;
type PoolStep = Step<PoolState, PoolEvent, NoTasks>;

/**
 * Keeps the children of a pool: each crashes alone. None is given up for good, since what it has to
 * see to, such as a machine that costs money, is seen to by nobody else.
 */
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
  const effects: PoolEffect[] = state.live
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
  const isTooMany = crashes.length > max;
  const ms = isTooMany ? withinMs : backoffMs(backoff, crashes.length);
  const restart: PoolEffect = { do: 'after', ms, event: { is: 'restart', name } };
  const text = 'leaves a child alone for a while: it ends too often';
  const note: PoolEffect = { do: 'note', level: 'error', text, fields: { name, why } };
  return [
    { ...state, crashes: { ...others, [name]: crashes } },
    isTooMany ? [restart, note] : [restart],
  ];
}
