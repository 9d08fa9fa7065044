import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Reply } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Signal, Step, Told } from '../../runtime/behaviour.ts';
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
  strays: readonly [GateArgs, Strays];
  /** What the site has, for who asks. */
  look: readonly [GateArgs, Reply<'gate.list'>];
};
export type Strays = {
  readonly found: readonly Stray[];
  /** Whether they may be removed: after a restore an operator has to see them first. */
  readonly swept: boolean;
};
type GateHears = 'gate.offer' | 'gate.list';
type GateEffect = Effect<GateEvent, GateTasks>;
type GateStep = Step<GateState, GateEvent, GateTasks>;

/**
 * One per site. It tells the scheduler what the site offers, and sweeps: a cluster whose creation
 * crossed its release on the wire belongs to nobody, and no ordering of ours prevents that.
 */
export const gate: Behaviour<GateArgs, GateState, GateHears, GateEvent, GateTasks> = {
  init: ({ remote }) => ({ phase: 'open', remote, site: null, suspects: [], trouble: '' }),
  // What a former head left behind is not to wait: it is looked for at once.
  enter: (state) => [offers(state), sweep(state)],
  on(state, event, now): GateStep {
    switch (event.is) {
      case 'told':
        return told(state, event);
      case 'offers':
        return [state, [offers(state)]];
      case 'sweep':
        return [state, [sweep(state)]];
      case 'done':
        if (event.task === 'offers') return offered(state, event.value);
        if (event.task === 'strays') return swept(state, event.value, now);
        return [state, [{ do: 'reply', ask: Number(event.key), body: event.value }]];
      case 'failed':
        return failed(state, event);
      default:
        return [state, []];
    }
  },
};

function told(state: GateState, { message: m, ask }: Told<GateHears>): GateStep {
  if (m.name === 'gate.offer')
    return [state, state.site === null ? [] : [tellScheduler(state.site)]];
  const { remote } = state;
  return [state, [{ do: 'run', task: 'look', key: String(ask), input: { remote } }]];
}

type Failed = Extract<Signal<GateTasks>, { readonly is: 'failed' }>;

function failed(state: GateState, { task, key, failure }: Failed): GateStep {
  if (task === 'look') return [state, [{ do: 'refuse', ask: Number(key), failure }]];
  const pause =
    task === 'offers' ? after(limits.removeAgainMs, 'offers') : after(limits.sweepMs, 'sweep');
  const note: GateEffect = { do: 'note', level: 'warn', text: `${task}: ${failure.text}` };
  return [{ ...state, trouble: failure.text }, [note, pause]];
}

const sweep = ({ remote }: GateState): GateEffect => ({
  do: 'run',
  task: 'strays',
  input: { remote },
});

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
function swept(state: GateState, { found, swept }: Strays, now: Millis): GateStep {
  const pause = after(limits.sweepMs, 'sweep');
  // What was seen while nothing may go has to be seen twice again once it may.
  if (!swept) return [{ ...state, suspects: [] }, [pause]];
  const before = new Set(state.suspects);
  const condemned = found.filter(
    (s) => before.has(s.externalId) && now - s.createdAt > limits.createMsMax,
  );
  const effects: GateEffect[] = condemned.map(({ name: cluster, externalId }) => ({
    do: 'tell',
    to: control(`/clusters/${cluster}`),
    message: message('cluster.condemn', { cluster, remote: state.remote, externalId }),
  }));
  const suspects = found.map((s) => s.externalId);
  return [{ ...state, suspects }, [...effects, pause]];
}
