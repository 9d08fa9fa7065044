import type { Report } from '../../protocol/attempt.ts';
import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  forbidden,
  isLive,
  isOver,
  type Job,
  type JobStep,
  mark,
  ranks,
  speaksFor,
} from './job.ts';
import { nodeOf } from './orders.ts';

/** A job that may run elsewhere once nobody can have it running on a node that is silent. */

const isLeased = (job: Job): boolean => job.spec.onNodeLoss === 'requeue';

/** A worker asks whether its rank may go on. A yes counts from now, which is after it asked. */
export function lease(
  job: Job,
  { node, attempt, rank }: Body<'job.lease'>,
  who: Who,
  ask: number,
  now: Millis,
): JobStep {
  if (!speaksFor(who, node)) return [job, [{ do: 'refuse', ask, failure: forbidden(job) }]];
  const isCurrent = attempt === job.attempt && isLive(job) && nodeOf(job, rank) === node;
  if (isCurrent && isLeased(job) && mayGoOn(job) && !isOver(job, rank))
    return [{ ...job, leasedAt: now }, [{ do: 'reply', ask, body: {} }]];
  const why = failure('wrong_phase', `attempt ${attempt} of job ${job.id} is given up`);
  return [job, [{ do: 'refuse', ask, failure: why }]];
}

/** One that is being ended may still have to save itself. */
const mayGoOn = ({ stop }: Job): boolean => stop === null || stop.saves === true;

/** After the last yes: the lease, what the guard needs to kill, and what clocks may differ by. */
const waitMs = ({ spec }: Job): Millis =>
  Math.ceil(((spec.leaseMs ?? limits.leaseMs) + limits.graceMs) * 1.1);

/** Higher than any that a runner reports: what was given up stays so. */
export const LAST_SEQ = 2 ** 40;

/**
 * The job as it is by now: the ranks on silent nodes whose lease is over for sure have ended. Who
 * has opened the job, as a new leader does, counts from then: another may just have said yes.
 */
export function expired(job: Job, now: Millis): Job {
  if (!isLeased(job)) return job;
  if (!job.leasedAt) return { ...job, leasedAt: now };
  const { leasedAt } = job;
  const lost = ranks(job).flatMap((rank) => {
    const node = job.cluster?.nodes.find(({ name }) => name === nodeOf(job, rank));
    if (isOver(job, rank) || node?.phase !== 'silent') return [];
    return now < Math.max(leasedAt, node.since) + waitMs(job) ? [] : [{ rank, node }];
  });
  let next = job;
  for (const { rank, node } of lost) {
    const since = new Date(node.since).toISOString();
    const over = new Date(now).toISOString();
    const text = `node ${node.name} silent since ${since}; its lease ended at ${over}`;
    const reports = next.reports.with(rank, givenUp(next, rank, text, now));
    next = mark({ ...next, reports }, now, text);
  }
  return next;
}

const givenUp = (job: Job, rank: number, text: string, now: Millis): Report => ({
  job: job.id,
  node: nodeOf(job, rank),
  attempt: job.attempt,
  rank,
  seq: LAST_SEQ,
  phase: 'over',
  detail: '',
  stagedAt: job.reports[rank]?.stagedAt ?? 0,
  startedAt: job.reports[rank]?.startedAt ?? 0,
  exitedAt: now,
  unenforced: [],
  stopped: true,
  exit: null,
  collected: null,
  failure: failure('lost', text),
});
