import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Placement } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { amount, paidFor, priceOf, rateOf } from '../price.ts';
import type { Job, JobEffect } from './job.ts';

/** What a job has cost in this run: its former holds, and the one that it has now. */
export const costOf = ({ spent, heldAt, placement }: Job, now: Millis): number =>
  heldAt === 0 || placement === null ? spent : spent + priceOf(rateOf(placement), now - heldAt);

/** Begins to count, if what it holds now was made and so costs something. */
export const held = ({ placement }: Job, now: Millis): Pick<Job, 'heldAt'> => ({
  heldAt: placement?.made ? now : 0,
});

/** What it held is gone: its cost is known. */
export const paid = (job: Job, now: Millis): Job => ({
  ...job,
  spent: costOf(job, now),
  heldAt: 0,
});

/** When what it holds has cost all that this run may; infinite if it never has. */
export function spentAt(job: Job): Millis {
  const { spec, spent, heldAt, placement } = job;
  if (!spec.budget || heldAt === 0 || placement === null) return Number.POSITIVE_INFINITY;
  return heldAt + paidFor(rateOf(placement), spec.budget - spent);
}

/** Ends it in time: what goes on then costs one unit of time more at most. */
export function spend(job: Job, now: Millis): readonly JobEffect[] {
  const at = spentAt(job);
  return at === Number.POSITIVE_INFINITY
    ? []
    : [{ do: 'after', ms: at - now, event: { is: 'spent' } }];
}

export function overBudget(job: Job, now: Millis): Failure {
  const budget = amount(job.spec.budget ?? 0);
  const rate =
    job.placement === null ? '' : `, at ${amount(rateOf(job.placement).perHour)} an hour`;
  return failure(
    'over_budget',
    `cost ${amount(costOf(job, now))} of its budget of ${budget}${rate}`,
  );
}

/** Why a placement is not begun: what is left does not pay for the first unit of it. */
export function tooDear({ spec, spent }: Job, placement: Placement): Failure | null {
  const budget = spec.budget ?? 0;
  const rate = rateOf(placement);
  if (budget === 0 || paidFor(rate, budget - spent) > 0) return null;
  const first = amount(priceOf(rate, rate.unitMs));
  const left = amount(Math.max(0, budget - spent));
  const costs = `${placement.cluster} costs ${first} for the first ${rate.unitMs / 1_000} s`;
  const text = `its budget of ${amount(budget)} has ${left} left, and ${costs}`;
  return failure('over_budget', text);
}

/** How long its machines have to end it; those that cost too much already have less. */
export const stopMs = ({ stop, placement }: Job): Millis =>
  stop?.failure?.code === 'over_budget' && placement !== null
    ? Math.min(limits.stopMsMax, rateOf(placement).unitMs / 2)
    : limits.stopMsMax + (stop?.graceMs ?? 0);
