import { emptySpec } from '../../protocol/jobscript/spec.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { paid } from './cost.ts';
import {
  askCluster,
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  stay,
  to,
  toScheduler,
} from './job.ts';
import { LAST_SEQ } from './lease.ts';
import { refusedFor } from './waiting.ts';

/** The way out: all is let go before the end, or before the queue, whichever comes next. */

export function enterReleasing(job: Job): readonly JobEffect[] {
  const ports: readonly JobEffect[] =
    job.alias === '' ? [] : [{ do: 'run', task: 'unforward', input: { job: job.id } }];
  if (job.placement === null)
    return [...ports, toScheduler(job, null), { do: 'after', ms: 0, event: { is: 'late' } }];
  return [...ports, unclaim(job)];
}

const unclaim = (job: Job): JobEffect =>
  askCluster(
    job,
    message('cluster.unclaim', {
      cluster: job.placement?.cluster ?? '',
      job: job.id,
      attempt: job.attempt,
      ...(isClean(job) && { keep: true }),
    }),
    'unclaim',
  );

/** Whether its cluster may stay: its owner wants that, and its workers say that nothing is left. */
function isClean(job: Job): boolean {
  if (!job.spec.keepResources || !job.placement?.made) return false;
  const isOver = (report: Job['reports'][number]): boolean =>
    report?.phase === 'over' && report.seq < LAST_SEQ;
  return !job.ordered || job.reports.every(isOver);
}

/** Whatever happened, what the job held goes first: no way to the end, or queue, is around it. */
export function releasing(job: Job, event: JobHeard, now: Millis): JobStep {
  const later: JobEffect = { do: 'after', ms: limits.nudgeMs, event: { is: 'again' } };
  switch (event.is) {
    case 'late':
      return [released(job, now), []];
    case 'again':
      return [job, [unclaim(job)]];
    case 'answered':
      return (event.body as { gone: boolean }).gone ? [released(job, now), []] : [job, [later]];
    case 'unanswered':
      return event.failure.code === 'not_found' ? [released(job, now), []] : [job, [later]];
    case 'told': {
      if (event.message.name !== 'job.cluster') return stay(job);
      const { phase, detail } = event.message.body as Body<'job.cluster'>;
      if (phase === 'gone') return [released(job, now), []];
      return [detail === job.details ? job : { ...job, details: detail }, []];
    }
    default:
      return stay(job);
  }
}

function released(before: Job, now: Millis): Job {
  const job = paid(before, now);
  return job.again === 'no'
    ? to(job, 'ended', now, {
        endedAt: job.endedAt || now,
        details: job.outcome?.failure?.text ?? '',
      })
    : queueAgain(job, now);
}

/** Back to the queue: for another attempt of this run, or for the first of the next. */
export function queueAgain(job: Job, now: Millis): Job {
  const main = job.reports[0];
  const { run, attempt, outcome, startedAt, endedAt } = job;
  const next = {
    attempt: attempt + 1,
    again: 'no' as const,
    notBefore: job.again === 'run' ? 0 : now + refusedFor(job),
    placement: null,
    ordered: false,
    cluster: null,
    reports: [],
    stop: null,
    cancelled: false,
    alias: '',
    outcome: null,
    startedAt: 0,
    endedAt: 0,
    leasedAt: 0,
    details: job.details,
  };
  if (job.again !== 'run' || outcome === null) {
    // A run that begins anew may show again what it showed at its first beginning.
    const uploaded = job.uploaded && job.firstAttempt <= attempt;
    return to(job, 'queued', now, { ...next, uploaded });
  }
  const stdout = main?.collected?.stdout ?? null;
  const stderr = main?.collected?.stderr ?? null;
  const cost = job.spent;
  const past = { run, attempt, outcome, startedAt, endedAt, stdout, stderr, cost };
  return to(job, 'queued', now, {
    ...next,
    details: '',
    refusals: 0,
    uploaded: false,
    run: run + 1,
    spent: 0,
    firstAttempt: attempt + 1,
    runs: [...job.runs, past].slice(-limits.runsMax),
    // What ran to a good end begins anew.
    ...(outcome.state === 'F' && outcome.exitcode === 0 && { checkpoint: null }),
  });
}

/** Of a job that has ended first all goes but its key; of one that was so long enough, that too. */
export function purged(job: Job, now: Millis): Job {
  if (job.remains !== 'all' || job.shift) return { ...job, remains: 'nothing', script: '' };
  return {
    ...job,
    remains: 'key',
    since: now,
    spec: emptySpec as Job['spec'],
    script: '',
    scriptBlob: null,
    inputs: [],
    reports: [],
    placement: null,
    cluster: null,
    timeline: [],
    runs: [],
    details: '',
    checkpoint: null,
    unmet: [],
    ...(job.changes && { changes: { ...job.changes, untold: [] } }),
  };
}
