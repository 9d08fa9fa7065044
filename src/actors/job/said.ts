import type { Report } from '../../protocol/attempt.ts';
import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control, ref } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import { maySay } from './admins.ts';
import { newJob } from './birth.ts';
import { awaited } from './dependencies.ts';
import { purged, queueAgain } from './ending.ts';
import { unheld, whileQueued } from './hold.ts';
import {
  type ClusterNews,
  forbidden,
  isLive,
  type Job,
  type JobEffect,
  type JobStep,
  refuse,
  release,
  speaksFor,
  type ToldJob,
  toScheduler,
} from './job.ts';
import { lease } from './lease.ts';
import { end } from './live.ts';
import { save } from './orders.ts';
import { endsWith } from './outcome.ts';
import { preempted } from './preempted.ts';
import { secrets } from './secrets.ts';
import { next } from './shift.ts';
import { tied } from './tie.ts';

/** What may be said to a job in every phase; undefined: its phase decides. */
export function inAnyPhase(job: Job, event: ToldJob, now: Millis): JobStep | undefined {
  const { ask, who, message: m } = event;
  switch (m.name) {
    case 'job.create':
      return created(job, m.body as Body<'job.create'>, ask, now);
    case 'job.cancel':
    case 'job.requeue':
    case 'job.checkpoint':
    case 'job.hold':
    case 'job.release':
    case 'job.update':
    case 'job.tie':
    case 'job.purge': {
      if (!maySay(job, who, m.name)) return [job, [{ do: 'refuse', ask, failure: forbidden(job) }]];
      if (job.shift && who.door !== 'local')
        return refuse(job, ask, `it runs tasks of array ${job.shift.array}, which is to be asked`);
      if (m.name === 'job.purge') return purge(job, m.body as Body<'job.purge'>, ask, now);
      if (job.remains !== 'all') return unknown(job, ask);
      if (m.name === 'job.tie') return tied(job, ask, now);
      if (m.name === 'job.checkpoint') return checkpoint(job, ask);
      if (m.name === 'job.cancel') return cancel(unheld(job), ask, now);
      return m.name === 'job.requeue' ? requeue(job, ask, now) : whileQueued(job, event, now);
    }
    case 'job.place':
      // Of one that does not wait, or not any more, the scheduler has heard too little.
      return job.phase === 'queued' ? undefined : [job, [toScheduler(job, null)]];
    case 'job.report': {
      const report = m.body as Report;
      return isOld(job, report) ? [job, endOld(report, who)] : undefined;
    }
    case 'job.lease':
      return lease(job, m.body as Body<'job.lease'>, who, ask, now);
    case 'job.secrets':
      return secrets(job, m.body as Body<'job.secrets'>, who, ask);
    case 'shift.next':
      return next(job, m.body as Body<'shift.next'>, who, ask);
    case 'array.work':
    case 'array.left':
      return unknown(job, ask);
    case 'job.await':
      return job.remains === 'nothing' ? unknown(job, ask) : awaited(job, ask);
    case 'job.moved':
      return undefined;
    case 'job.overspent':
      return [overspent(job, m.body as Body<'job.overspent'>, now), []];
    case 'job.preempt':
      return [preempted(job, m.body as Body<'job.preempt'>, now), []];
    case 'job.cluster': {
      const news = m.body as ClusterNews;
      return isStale(job, news) ? [job, letGo(job, news)] : undefined;
    }
  }
}

/** The same key finds the same job, as long as anything of it is remembered. */
function created(job: Job, body: Body<'job.create'>, ask: number, now: Millis): JobStep {
  const reply: JobEffect = { do: 'reply', ask, body: { id: job.id } };
  if (job.remains === 'nothing') return [{ ...newJob(body, now), round: job.round + 1 }, [reply]];
  if (body.digest === job.digest && body.owner === job.owner) return [job, [reply]];
  const why = failure('key_reused', `this key has made job ${job.id} of another request`);
  return [job, [{ do: 'refuse', ask, failure: why }]];
}

const unknown = (job: Job, ask: number): JobStep => [
  job,
  [{ do: 'refuse', ask, failure: failure('not_found', `no job ${job.id}`) }],
];

function cancel(job: Job, ask: number, now: Millis): JobStep {
  if (job.phase === 'ended') return refuse(job, ask, 'it has ended already');
  const next = cancelled(job, now);
  return [next, [{ do: 'reply', ask, body: { id: job.id, phase: next.phase } }]];
}

/** Whatever it is doing, it leads to its end from here. */
export function cancelled(job: Job, now: Millis): Job {
  if (job.cancelled) return job;
  const next = { ...job, cancelled: true };
  if (isLive(job)) return end({ ...next, again: 'no' }, null, now);
  if (job.phase !== 'releasing') return release(next, now, endsWith(job, 'C', null));
  // What has ended has ended; but not the job that is on its way to another attempt, or run.
  if (job.outcome === null) return { ...next, ...endsWith(job, 'C', null) };
  return job.again === 'no' ? job : { ...job, again: 'no' };
}

function requeue(job: Job, ask: number, now: Millis): JobStep {
  if (job.cancelled && job.phase !== 'ended')
    return refuse(job, ask, 'it is being cancelled; requeue it once it has ended');
  const next = requeued(job, now);
  const run = next.run + (next.again === 'run' ? 1 : 0);
  return [next, [{ do: 'reply', ask, body: { id: job.id, run } }]];
}

/** Of one that has not ended it is the same run that begins anew, with all its tries. */
function requeued(job: Job, now: Millis): Job {
  if (job.phase === 'ended') return queueAgain({ ...job, again: 'run' }, now);
  if (job.phase === 'queued') return job;
  if (job.phase === 'releasing') return job.outcome === null ? job : { ...job, again: 'run' };
  const again = { ...job, again: 'attempt' as const, firstAttempt: job.attempt + 1 };
  if (isLive(job)) return end(again, null, now);
  return release(again, now, { outcome: null });
}

/** It is told to save itself; when it has is seen in what is kept of it. */
function checkpoint(job: Job, ask: number): JobStep {
  if (!job.spec.checkpoint) return refuse(job, ask, 'its script does not say `checkpoint`');
  if (job.phase !== 'running' || job.stop !== null) return refuse(job, ask, 'it does not run');
  return [job, [save(job), { do: 'reply', ask, body: { id: job.id } }]];
}

/** Its owner may have it forgotten at once; else whoever keeps house does, when it is old. */
function purge(job: Job, { before }: Body<'job.purge'>, ask: number, now: Millis): JobStep {
  if (job.remains === 'nothing') return unknown(job, ask);
  if (job.phase !== 'ended') return refuse(job, ask, 'it has not ended; cancel it first');
  const isDue = before === undefined ? job.remains === 'all' : job.since < before;
  const reply: JobEffect = { do: 'reply', ask, body: { id: job.id } };
  return [isDue ? purged(job, now) : job, [reply]];
}

/** Its account has no more for it: it ends, wherever it is with this attempt. */
function overspent(job: Job, { attempt, failure: why }: Body<'job.overspent'>, now: Millis): Job {
  if (attempt !== job.attempt) return job;
  if (isLive(job)) return end(job, why, now);
  return job.phase === 'provisioning' ? release(job, now, endsWith(job, 'E', why)) : job;
}

/** A report of an attempt that is past, or one that comes when no attempt is live. */
const isOld = (job: Job, { attempt }: Report): boolean => attempt < job.attempt || !isLive(job);

/** Its runner is told that the report is taken, and that it is not wanted any more. */
function endOld({ job: id, node, attempt, rank, seq, phase }: Report, who: Who): JobEffect[] {
  if (!speaksFor(who, node)) return [];
  const runner = `${id}.${attempt}.${rank}`;
  const to = ref(node, `/runners/${runner}`);
  const body = { runner, node, job: id, attempt, rank, failure: null, graceMs: limits.graceMs };
  return phase === 'over'
    ? [{ do: 'tell', to, message: message('runner.taken', { runner, seq }) }]
    : [{ do: 'tell', to, message: message('runner.stop', body) }];
}

/** News of a hold that this job has no use for any more. */
const isStale = (job: Job, { attempt, cluster }: ClusterNews): boolean =>
  attempt !== job.attempt || cluster !== job.placement?.cluster || job.phase === 'ended';

/** A hold that was left behind by a claim whose answer was lost would never end by itself. */
function letGo(job: Job, { cluster, attempt, phase }: ClusterNews): readonly JobEffect[] {
  const isPast = attempt < job.attempt || (attempt === job.attempt && job.phase === 'ended');
  if (phase === 'gone' || !isPast) return [];
  const body = { cluster, job: job.id, attempt };
  const to = control(`/clusters/${cluster}`);
  return [{ do: 'tell', to, message: message('cluster.unclaim', body) }];
}
