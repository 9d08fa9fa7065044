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

/** Each unit of time that has begun is billed whole. */
export const priceOf = ({ perHour, unitMs }: Rate, ms: Millis): number =>
  (perHour * Math.ceil(Math.max(0, ms) / unitMs) * unitMs) / HOUR_MS;
