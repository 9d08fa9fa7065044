import type { Report } from '../../protocol/attempt.ts';
import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import { overBudget, spend, stopMs } from './cost.ts';
import {
  askCluster,
  type ClusterNews,
  isNodeGone,
  isOver,
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  once,
  ranks,
  speaksFor,
  stay,
  to,
} from './job.ts';
import { expired } from './lease.ts';
import { isDrainedBy, moving, whyMoving } from './moving.ts';
import { forward, forwarded, nodeOf, poke, remind, save, taken } from './orders.ts';
import { settle } from './outcome.ts';

/** The phases in which workers have the attempt: staging, starting, running, collecting. */

export function enterLive(job: Job, now: Millis): readonly JobEffect[] {
  const late = deadline(job);
  const backstop: readonly JobEffect[] =
    late === 0 ? [] : [{ do: 'after', ms: late - now, event: { is: 'late' } }];
  return [...say(job), later, ...backstop, ...spend(job, now)];
}

const later: JobEffect = { do: 'after', ms: limits.nudgeMs, event: { is: 'again' } };

const say = (job: Job): readonly JobEffect[] => [
  ...remind(job),
  ...(job.stop === null && job.phase !== 'collecting' ? forward(job) : []),
];

/** All that somebody may not have heard, or that we may not, as long as the phase lasts. */
const nudge = (job: Job): readonly JobEffect[] => [...say(job), ...poke(job), askNews(job), later];

const askNews = (job: Job): JobEffect =>
  askCluster(
    job,
    message('cluster.news', {
      cluster: job.placement?.cluster ?? '',
      job: job.id,
      attempt: job.attempt,
    }),
    'news',
  );

/**
 * When the head itself acts: on an attempt far over its walltime, by our own clock since it was
 * heard to run, or on one that will not end.
 */
function deadline(job: Job): Millis {
  if (job.stop !== null)
    return job.stop.since + stopMs(job) + (job.stop.saves ? limits.checkpointMsMax : 0);
  const { walltimeMs } = job.spec;
  if (job.phase !== 'running' || walltimeMs === 0) return 0;
  return job.since + walltimeMs + limits.graceMs + limits.walltimeSlackMs;
}

export function live(job: Job, event: JobHeard, now: Millis): JobStep {
  switch (event.is) {
    case 'told':
      if (event.message.name === 'job.report')
        return reported(job, event.message.body as Report, event.who, now);
      if (event.message.name === 'job.cluster')
        return clusterTold(job, event.message.body as Body<'job.cluster'>, now);
      return stay(job);
    case 'again':
      return again(job, now);
    case 'late':
      return [late(job, now), []];
    case 'spent':
      return [end(job, overBudget(job, now), now), []];
    case 'unanswered':
      return [unanswered(job, event.key, event.failure, now), []];
    case 'failed':
      return [unforwarded(job, event.failure, now), []];
    case 'done':
      if (event.task === 'alias') return [once(reached(job), { alias: event.value }), []];
      return event.task === 'forward' ? [reached(job), forwarded(job)] : stay(job);
    default:
      return stay(job);
  }
}

/** What was given up by now has ended; else all is said again. */
function again(job: Job, now: Millis): JobStep {
  const next = expired(job, now);
  if (next.reports === job.reports) return [next, nudge(next)];
  const over = advance(next, now);
  const isMoved = over.phase !== job.phase || over.round !== job.round;
  return [over, isMoved ? [] : nudge(over)];
}

/** Begins to end the attempt; it is over only when its workers say so. */
const endAtOnce = (job: Job, why: Failure | null, now: Millis): Job =>
  job.stop === null ? once(job, { stop: { failure: why, since: now } }) : job;

/** The same, for one that may be wanted again: it saves itself before, if it can. */
export const end = (job: Job, why: Failure | null, now: Millis): Job =>
  job.stop === null && job.spec.checkpoint
    ? once(job, { stop: { failure: why, since: now, saves: true } })
    : endAtOnce(job, why, now);

function late(job: Job, now: Millis): Job {
  if (job.stop === null) return endAtOnce(job, failure('over_walltime', overWalltime(job)), now);
  // Its machine will not answer; if the machine is ours it goes, and the attempt with it.
  if (job.placement?.made) return settle(job, now);
  return once(job, { stop: { failure: job.stop.failure, since: now } });
}

const overWalltime = (job: Job): string =>
  `ran longer than its walltime of ${job.spec.walltimeMs / 1000} s`;

function unanswered(job: Job, key: string, why: Failure, now: Millis): Job {
  // Of a cluster that was made for it nothing is known any more: it is gone.
  if (key === 'news') {
    if (why.code !== 'not_found' || !job.placement?.made) return job;
    const { cluster } = job.placement;
    const { id, attempt } = job;
    const gone = { job: id, attempt, cluster, detail: '', nodes: [], failure: null };
    return clusterMoved(job, { ...gone, phase: 'gone' }, now);
  }
  // An order that its worker will never take; one that was lost on the way is given again.
  return key.startsWith('order/') && !why.retry ? endAtOnce(job, why, now) : job;
}

const UNREACHED = 'its ports are not reached from here: ';

/** What may pass is tried again; a job that runs already is not ended for its ports at all. */
function unforwarded(job: Job, why: Failure, now: Millis): Job {
  if (job.phase !== 'running' && !why.retry) return endAtOnce(job, why, now);
  return { ...job, details: `${UNREACHED}${why.text}` };
}

const reached = (job: Job): Job =>
  job.details.startsWith(UNREACHED) ? { ...job, details: job.reports[0]?.detail ?? '' } : job;

function reported(job: Job, report: Report, who: Who, now: Millis): JobStep {
  const known = job.reports[report.rank];
  const isPlaced = report.attempt === job.attempt && report.node === nodeOf(job, report.rank);
  if (!isPlaced || !speaksFor(who, report.node)) return stay(job);
  const effects = [taken(report)];
  if (known && known.seq >= report.seq) return [job, effects];
  const { checkpoint, ...kept } = report;
  const reports = job.reports.map((r, rank) => (rank === report.rank ? kept : r));
  const saved =
    checkpoint && report.rank === 0
      ? { ...job, checkpoint: { ...checkpoint, attempt: report.attempt } }
      : job;
  return [advance({ ...saved, reports }, now), effects];
}

/** Follows the reports; never back, and to the end when every rank is over. */
function advance(job: Job, now: Millis): Job {
  if (ranks(job).every((rank) => isOver(job, rank))) return settle(job, now);
  const main = job.reports[0];
  const bad = job.reports.find((r) => r?.phase === 'over' && r.failure !== null);
  if (bad?.failure && job.stop === null) return endAtOnce(job, bad.failure, now);
  if (main === null || main === undefined) return job;
  if (main.phase === 'collecting' || main.phase === 'over')
    return job.phase === 'collecting' ? { ...job, details: main.detail } : collect(job, main, now);
  if (main.phase === 'running')
    return job.phase === 'running' ? { ...job, details: main.detail } : run(job, main, now);
  const isStaged = job.reports.every((r) => r !== null && r.phase !== 'staging');
  if (isStaged && job.phase === 'staging')
    return to(job, 'starting', now, { details: UPLOADED, uploaded: true });
  return job.phase === 'staging' || job.phase === 'starting'
    ? { ...job, details: main.detail || job.details }
    : job;
}

const collect = (job: Job, main: Report, now: Millis): Job =>
  to(job, 'collecting', now, {
    ...begun(job, main),
    endedAt: main.exitedAt,
    details: main.detail,
  });

const UPLOADED = 'Data uploaded, starting';

const begun = (job: Job, main: Report): Pick<Job, 'startedAt' | 'uploaded'> => ({
  startedAt: job.startedAt || main.startedAt,
  uploaded: false,
});

const run = (job: Job, main: Report, now: Millis): Job =>
  to(job, 'running', now, { ...begun(job, main), details: main.detail });

function clusterTold(job: Job, news: ClusterNews, now: Millis): JobStep {
  const next = clusterMoved(job, news, now);
  const isToSave = next.stop === null && next.phase === 'running' && job.spec.checkpoint;
  return [next, isToSave && isDrainedBy(job, news) ? [save(next)] : []];
}

function clusterMoved(job: Job, news: ClusterNews, now: Millis): Job {
  // What has ended needs its machine for a moment only.
  const mayStay = job.stop !== null || job.phase === 'collecting';
  const why = mayStay ? null : whyMoving({ ...job, cluster: news });
  if (why !== null) return moved(moving({ ...job, cluster: news }, why, now), why, now);
  if (job.cluster !== null && sameNews(job.cluster, news)) return job;
  const heard = { ...job, cluster: news };
  if (ranks(heard).every((rank) => isOver(heard, rank))) return settle(heard, now);
  const lost = ranks(heard).find((rank) => !isOver(job, rank) && isNodeGone(heard, rank));
  // Without one of its nodes the rest of the job has no use.
  if (lost !== undefined && job.stop === null)
    return endAtOnce(heard, failure('lost', `node ${nodeOf(job, lost)} is gone`), now);
  const silent = news.nodes.find((n) => n.phase === 'silent');
  if (silent !== undefined) {
    const since = new Date(silent.since).toISOString();
    return { ...heard, details: `${lead(job)} (node ${silent.name} silent since ${since})` };
  }
  const wasSilent = job.cluster?.nodes.some((n) => n.phase === 'silent') === true;
  return wasSilent ? { ...heard, details: job.reports[0]?.detail ?? '' } : heard;
}

/** What is over already need not be ended. */
const moved = (job: Job, why: Failure, now: Millis): Job =>
  ranks(job).every((rank) => isOver(job, rank)) ? settle(job, now) : end(job, why, now);

const lead = ({ phase }: Job): string => (phase === 'starting' ? UPLOADED : phase);

const sameNews = (a: ClusterNews, b: ClusterNews): boolean =>
  a.phase === b.phase &&
  a.nodes.length === b.nodes.length &&
  a.nodes.every((n, i) => {
    const other = b.nodes[i];
    return (
      n.name === other?.name &&
      n.phase === other.phase &&
      n.since === other.since &&
      n.address === other.address &&
      n.drained === other.drained
    );
  });
