import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

export type GateArgs = { readonly remote: string };

/** A partition at the site that no claim of ours explains. */
export type Stray = {
  readonly name: string;
  readonly externalId: string;
  readonly createdAt: Millis;
};

export type GateState = {
  readonly phase: 'open';
  readonly remote: string;
  /** What it offered when it was asked last; null: it did not answer yet. */
  readonly site: Body<'scheduler.site'> | null;
  /** External ids of the strays of the last sweep. */
  readonly suspects: readonly string[];
  readonly trouble: string;
};

export type GateEvent = { readonly is: 'sweep' } | { readonly is: 'offers' };
export type GateTasks = {
  offers: readonly [GateArgs, Body<'scheduler.site'>];
  /** Lists the site first and reads the committed claims after. */
  strays: readonly [GateArgs, readonly Stray[]];
};
type GateEffect = Effect<GateEvent, GateTasks>;
type GateStep = Step<GateState, GateEvent, GateTasks>;

/**
 * One per site. It tells the scheduler what the site offers, and sweeps: a cluster whose creation
 * crossed its release on the wire belongs to nobody, and no ordering of ours prevents that.
 */
export const gate: Behaviour<GateArgs, GateState, 'gate.offer', GateEvent, GateTasks> = {
  init: ({ remote }) => ({ phase: 'open', remote, site: null, suspects: [], trouble: '' }),
  enter: (state) => [offers(state), after(limits.sweepMs, 'sweep')],
  on(state, event, now): GateStep {
    switch (event.is) {
      case 'told':
        return [state, state.site === null ? [] : [tellScheduler(state.site)]];
      case 'offers':
        return [state, [offers(state)]];
      case 'sweep':
        return [state, [{ do: 'run', task: 'strays', input: { remote: state.remote } }]];
      case 'done':
        return event.task === 'offers'
          ? offered(state, event.value)
          : swept(state, event.value, now);
      case 'failed': {
        const pause =
          event.task === 'offers'
            ? after(limits.removeAgainMs, 'offers')
            : after(limits.sweepMs, 'sweep');
        const text = `${event.task}: ${event.failure.text}`;
        const note: GateEffect = { do: 'note', level: 'warn', text };
        return [{ ...state, trouble: event.failure.text }, [note, pause]];
      }
      default:
        return [state, []];
    }
  },
};

const offers = ({ remote }: GateState): GateEffect => ({
  do: 'run',
  task: 'offers',
  input: { remote },
});

const after = (ms: Millis, is: GateEvent['is']): GateEffect => ({
  do: 'after',
  ms,
  event: { is },
});

const tellScheduler = (site: Body<'scheduler.site'>): GateEffect => ({
  do: 'tell',
  to: control('/scheduler'),
  message: message('scheduler.site', site),
});

const offered = (state: GateState, site: Body<'scheduler.site'>): GateStep => [
  { ...state, site, trouble: '' },
  [tellScheduler(site), after(limits.offersMs, 'offers')],
];

/**
 * Only what was a stray in two sweeps, and is older than any creation, is condemned. The next sweep
 * begins a while after this one ended, so that two are never the same look.
 */
function swept(state: GateState, strays: readonly Stray[], now: Millis): GateStep {
  const condemned = strays.filter(
    (s) => state.suspects.includes(s.externalId) && now - s.createdAt > limits.createMsMax,
  );
  const effects: GateEffect[] = condemned.map(({ name: cluster, externalId }) => ({
    do: 'tell',
    to: control(`/clusters/${cluster}`),
    message: message('cluster.condemn', { cluster, remote: state.remote, externalId }),
  }));
  const suspects = strays.map((s) => s.externalId);
  return [{ ...state, suspects }, [...effects, after(limits.sweepMs, 'sweep')]];
}
