import type { Body, Reply } from '../../protocol/messages.ts';
import type { Spec } from '../../protocol/model.ts';
import { isAwaiting } from '../job/dependencies.ts';
import { whyHeld } from '../job/hold.ts';
import type { Job } from '../job/job.ts';
import { view } from '../job/view.ts';
import { priceOf, rateOf } from '../price.ts';
import { whyJobAwaits } from './dependencies.ts';
import type { Reading } from './read.ts';

/** What is to come of a job: the scheduler is asked only about those that wait for a place. */

type Looking = Pick<Reading, 'foresee' | 'now' | 'store'>;

const question = (
  { id, owner }: Job,
  wants: Body<'scheduler.foresee'>['wants'],
): Body<'scheduler.foresee'> => ({ job: id, spec: null, owner, wants });

export async function whyOf(from: Looking, job: Job): Promise<Reply<'job.why'>> {
  const { id, phase, hold } = job;
  const nothing = { id, phase, waits: false, change: null };
  if (phase !== 'queued') {
    const { details } = view(job, from.now());
    return { ...nothing, reasons: details === '' ? [] : [details] };
  }
  if (hold) return { ...nothing, reasons: [whyHeld(job)] };
  if (isAwaiting(job)) return { ...nothing, reasons: [whyJobAwaits(from.store, job)] };
  const { waits, reasons, change } = await from.foresee(question(job, 'change'));
  return { id, phase, waits, reasons, change };
}

export async function whenOf(from: Looking, job: Job): Promise<Reply<'job.when'>> {
  const { id, phase, startedAt, hold } = job;
  const nothing = { id, phase, waits: false, startedAt, start: null };
  if (phase !== 'queued' || hold || isAwaiting(job)) return nothing;
  const { waits, start } = await from.foresee(question(job, 'start'));
  return { ...nothing, waits, start };
}

/** What would become of a job if it were submitted now. */
export async function planOf(from: Looking, spec: Spec, owner: string): Promise<Reply<'job.plan'>> {
  const asked = { job: null, spec, owner, wants: 'start' } as const;
  const { start, reasons, placement } = await from.foresee(asked);
  const { walltimeMs } = spec;
  const rate = placement === null ? undefined : rateOf(placement);
  const isFree = rate === undefined || rate.perHour === 0;
  return {
    start: start ?? { from: null, likely: null, until: null },
    ...{ reasons, placement, walltimeMs },
    pricePerHour: rate?.perHour ?? 0,
    cost: isFree ? 0 : walltimeMs === 0 ? null : priceOf(rate, walltimeMs),
  };
}
