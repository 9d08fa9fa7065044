import { limits } from '../protocol/limits.ts';
import type { Placement } from '../protocol/model.ts';
import type { Millis } from '../runtime/ports.ts';

/** What machines cost, in the currency of their site. */

const HOUR_MS = 3_600_000;

/** What is held: its price an hour, all nodes together, and the time that is billed at least. */
export type Rate = { readonly perHour: number; readonly unitMs: Millis };

type Held = Pick<Placement, 'made' | 'nodes' | 'warm'>;

/** Nodes that were given to us cost nothing. */
export const rateOf = ({ made, nodes, warm }: Held): Rate => ({
  perHour: (made?.price ?? 0) * (warm ?? nodes.length),
  unitMs: made?.unitMs ?? limits.billingUnitMs,
});

/** How long such a thing may be held for a sum: whole units of time. Infinite if it is free. */
export const paidFor = ({ perHour, unitMs }: Rate, sum: number): Millis => {
  const perUnit = (perHour * unitMs) / HOUR_MS;
  // A hair more, lest a sum that is enough to the last digit is called too small.
  return perUnit === 0 ? Infinity : Math.floor(Math.max(0, sum) / perUnit + 1e-9) * unitMs;
};

/** Money as texts have it: four digits behind the point at most. */
export const amount = (of: number): string => String(Number(of.toFixed(4)));

/** Each unit of time that has begun is billed whole. */
export const priceOf = ({ perHour, unitMs }: Rate, ms: Millis): number =>
  (perHour * Math.ceil(Math.max(0, ms) / unitMs) * unitMs) / HOUR_MS;
