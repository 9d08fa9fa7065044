import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { FlavorPast } from '../../protocol/repute-shapes.ts';
import type { Behaviour, Effect } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** How it went at a site with what it offers: how soon that was up, and what was refused. */
export type Repute = {
  readonly phase: 'open';
  readonly round: number;
  readonly remote: string;
  readonly flavors: readonly FlavorPast[];
};

type Tried = Body<'repute.tried'>;
type Nothing = Readonly<Record<never, never>>;
type ReputeEffect = Effect<never, Nothing>;

/** One per site. It outlives heads, so that none asks anew for what was just refused to another. */
export const repute: Behaviour<Tried, Repute, 'repute.tried', never, Nothing> = {
  init: ({ remote }) => ({ phase: 'open', round: 0, remote, flavors: [] }),
  enter: ({ remote, flavors }): readonly ReputeEffect[] => [
    {
      do: 'tell',
      to: control('/scheduler'),
      message: message('scheduler.repute', { remote, flavors: [...flavors] }),
    },
  ],
  on(state, event) {
    if (event.is !== 'told') return [state, []];
    const { body } = event.message;
    const before = state.flavors.find(({ flavor }) => flavor === body.flavor);
    const known = before ?? unknown(body.flavor);
    // What was ordered before the last refusal was heard of tells nothing new of what is there.
    if (body.since < known.refusedAt) return [state, []];
    const others = state.flavors.filter((each) => each !== before);
    const flavors = [...others, after(known, body)].slice(-limits.reputesMax);
    return [{ ...state, round: state.round + 1, flavors }, []];
  },
};

const unknown = (flavor: string): FlavorPast => ({
  flavor,
  bootMs: 0,
  refusals: 0,
  refusedAt: 0,
  refusedUntil: 0,
  why: '',
});

function after(known: FlavorPast, { since, at, failure }: Tried): FlavorPast {
  if (failure === null) {
    const bootMs = smoothed(known.bootMs, Math.max(1, at - since));
    return { ...known, bootMs, refusals: 0, refusedUntil: 0, why: '' };
  }
  const ms = Math.min(limits.offerRefusedMsMax, limits.offerRefusedMs * 2 ** known.refusals);
  const refusals = Math.min(known.refusals + 1, REFUSALS_MAX);
  const why = failure.text.slice(0, limits.whyCharsMax);
  return { ...known, refusals, refusedAt: at, refusedUntil: at + ms, why };
}

/** More make no longer wait. */
const REFUSALS_MAX = 20;

/** An exponential mean: the last few count most. */
const smoothed = (mean: Millis, sample: Millis): Millis =>
  mean === 0 ? sample : Math.round(mean + (sample - mean) / 4);
