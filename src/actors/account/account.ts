import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { amount, priceOf, type Rate } from '../price.ts';

/** One life of a cluster, which costs from when it was claimed until it is gone. */
export type Charge = Rate & {
  readonly cluster: string;
  readonly life: number;
  readonly since: Millis;
};

/** What an account has cost, and what it costs now. */
export type Account = {
  readonly phase: 'open';
  readonly round: number;
  readonly name: string;
  readonly spent: number;
  readonly charges: readonly Charge[];
};

export type AccountHears = 'account.charge' | 'account.look';
export type AccountEvent = { readonly is: 'over' };
type AccountEffect = Effect<AccountEvent, Readonly<Record<never, never>>>;
type AccountStep = Step<Account, AccountEvent, Readonly<Record<never, never>>>;
type Args = Body<'account.charge'>;

/** By name, what accounts may cost as of now; others cost what they do. */
export type Budgets = Pick<ReadonlyMap<string, number>, 'get' | 'keys'>;

/** Counts what its clusters cost, and has them stopped in time where there is a budget. */
export const accountWith = (
  budgets: Budgets,
): Behaviour<Args, Account, AccountHears, AccountEvent, Readonly<Record<never, never>>> => ({
  init: ({ account: name }) => ({ phase: 'open', round: 0, name, spent: 0, charges: [] }),

  enter: (state, now) => {
    const at = overAt(state, budgets.get(state.name), now);
    return at === Number.POSITIVE_INFINITY ? [] : [look(Math.min(at - now, LOOK_MS_MAX))];
  },

  on(state, event, now): AccountStep {
    const budget = budgets.get(state.name);
    if (event.is === 'told') return told(state, event, budget, now);
    if (event.is !== 'over') return [state, []];
    const at = overAt(state, budget, now);
    if (now < at) return [{ ...state, round: state.round + 1 }, []];
    const stops = state.charges.map((charge) => stop(state, charge, budget ?? 0, now, at));
    return [state, [...stops, look(limits.againMs)]];
  },
});

/** No timer of ours is longer. */
const LOOK_MS_MAX = 86_400_000;

const look = (ms: Millis): AccountEffect => ({ do: 'after', ms, event: { is: 'over' } });

/** What it has cost by then. */
export const costAt = ({ spent, charges }: Account, now: Millis): number =>
  charges.reduce((sum, charge) => sum + priceOf(charge, now - charge.since), spent);

/** The last moment at which it has cost no more than its budget; infinite without one. */
export function overAt(state: Account, budget: number | undefined, now: Millis): Millis {
  const perHour = state.charges.reduce((sum, charge) => sum + charge.perHour, 0);
  if (budget === undefined || perHour === 0) return Number.POSITIVE_INFINITY;
  // What is billed follows the time in steps: the moment is looked for from both sides.
  let low = Math.min(now, ...state.charges.map(({ since }) => since));
  let high = now + Math.ceil((Math.max(0, budget) / perHour) * HOUR_MS) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (costAt(state, middle) <= budget) low = middle;
    else high = middle;
  }
  return low;
}
const HOUR_MS = 3_600_000;

function told(
  state: Account,
  { message: m, ask }: Told<AccountHears>,
  budget: number | undefined,
  now: Millis,
): AccountStep {
  switch (m.name) {
    case 'account.charge':
      return charged(state, m.body as Args, ask, budget, now);
    case 'account.look':
      // The next stay reckons with what its budget is by then.
      return [{ ...state, round: state.round + 1 }, []];
  }
}

function charged(
  state: Account,
  body: Args,
  ask: number,
  budget: number | undefined,
  now: Millis,
): AccountStep {
  const { cluster, life, since, until, perHour, unitMs } = body;
  const reply: AccountEffect = { do: 'reply', ask, body: {} };
  const known = state.charges.find((one) => one.cluster === cluster && one.life === life);
  const next = { ...state, round: state.round + 1 };
  if (until > 0) {
    if (known === undefined) return [state, [reply]];
    const charges = state.charges.filter((one) => one !== known);
    return [
      { ...next, charges, spent: state.spent + priceOf(known, until - known.since) },
      [reply],
    ];
  }
  if (known !== undefined) return [state, [reply]];
  const charge: Charge = { cluster, life, since, perHour, unitMs };
  const why = refusal(state, charge, budget, now);
  if (why !== null) return [state, [{ do: 'refuse', ask, failure: why }]];
  return [{ ...next, charges: [...state.charges, charge] }, [reply]];
}

/** What is left has to pay for the first unit of time. */
function refusal(state: Account, charge: Charge, budget: number | undefined, now: Millis) {
  const cost = costAt(state, now);
  const first = priceOf(charge, charge.unitMs);
  if (budget === undefined || cost + first <= budget) return null;
  const more = `and ${charge.cluster} would cost ${amount(first)} at once`;
  return overspent(state, budget, now, `, ${more}`);
}

/** What is told to whoever may have no more of it. */
export const overspent = (state: Account, budget: number, now: Millis, more = ''): Failure => {
  const cost = amount(costAt(state, now));
  const text = `account ${state.name} has cost ${cost} of its budget of ${amount(budget)}${more}`;
  return failure('over_budget', text);
};

/** First the cluster's job is to end; half a unit of time later the cluster goes itself. */
const stop = (
  state: Account,
  { cluster, life, unitMs }: Charge,
  budget: number,
  now: Millis,
  at: Millis,
): AccountEffect => ({
  do: 'tell',
  to: control(`/clusters/${cluster}`),
  message: message('cluster.overspent', {
    cluster,
    life,
    failure: overspent(state, budget, now),
    final: now >= at + unitMs / 2,
  }),
});
