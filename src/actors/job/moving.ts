import { type Failure, failure } from '../../protocol/errors.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type ClusterNews, type Job, mark } from './job.ts';

/** An attempt that is to go on elsewhere: its site takes a machine back, or it is drained. */

/** Why it may not stay where it is, as far as its cluster told; null: it may. */
export function whyMoving({ cluster, placement }: Job): Failure | null {
  const evicted = placement?.nodes.find((node) => cluster?.evicted?.includes(node));
  if (evicted !== undefined) return failure('evicted', `the site takes node ${evicted} back`);
  const drained = cluster?.nodes.find((node) => node.drained === 'requeue');
  return drained === undefined ? null : failure('evicted', `node ${drained.name} is drained`);
}

/** Queues again once this attempt is over, which costs the job nothing. */
export const moving = (job: Job, why: Failure, now: Millis): Job =>
  mark({ ...job, again: 'attempt', firstAttempt: job.firstAttempt + 1 }, now, why.text);

/** A node that it runs on is drained since these news: it runs on, and saves itself meanwhile. */
export const isDrainedBy = (job: Job, news: ClusterNews): boolean =>
  news.nodes.some(
    ({ name, drained }) =>
      drained !== undefined &&
      job.cluster?.nodes.find((node) => node.name === name)?.drained === undefined,
  );

/** It ran to its end by itself, before anybody could end it. */
export function hasEndedItself({ stop, reports }: Job): boolean {
  const main = reports[0];
  const isMoved = (code = ''): boolean => code === 'evicted' || code === 'preempted';
  if (!isMoved(stop?.failure?.code) || main?.phase !== 'over') return false;
  const isWell = main.failure === null || isMoved(main.failure.code);
  return main.exit !== null && !main.stopped && isWell;
}
