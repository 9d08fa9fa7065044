import type { Behaviour, Effect } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/**
 * Whether sites are swept. After a restore they are not: what was made after the backup looks like
 * nobody's then, and an operator has to see the list of it first.
 */
export type Sweeper = {
  readonly phase: 'on' | 'off';
  readonly since: Millis;
};

type SweeperEffect = Effect<never, Readonly<Record<never, never>>>;

/** Says whether gates may condemn; it acts on nothing itself: their sweeps read its record. */
export const sweeper: Behaviour<
  Readonly<Record<never, never>>,
  Sweeper,
  'sweep.confirm',
  never,
  Readonly<Record<never, never>>
> = {
  init: (_, now) => ({ phase: 'on', since: now }),
  enter: () => [],
  on(state, event, now) {
    if (event.is !== 'told') return [state, []];
    const reply: SweeperEffect = { do: 'reply', ask: event.ask, body: {} };
    return [state.phase === 'on' ? state : { phase: 'on', since: now }, [reply]];
  },
};
