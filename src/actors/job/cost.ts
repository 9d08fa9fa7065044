import type { Millis } from '../../runtime/ports.ts';
import { priceOf, rateOf } from '../price.ts';
import type { Job } from './job.ts';

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
