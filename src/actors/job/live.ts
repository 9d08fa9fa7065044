import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Report } from '../../protocol/model.ts';
import { ref } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  endsWith,
  isOver,
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  once,
  ranks,
  release,
  runnerOf,
  speaksFor,
  spoiled,
  stay,
  to,
} from './job.ts';

/** The phases in which workers have the attempt: staging, starting, running, collecting. */

const nodeOf = (job: Job, rank: number): string => job.placement?.nodes[rank] ?? '';
const addressOf = (job: Job, node: string): string =>
  job.cluster?.nodes.find((n) => n.name === node)?.address ?? '';
const toRunner = (job: Job, rank: number): ReturnType<typeof ref> =>
  ref(nodeOf(job, rank), `/runners/${runnerOf(job, rank)}`);

const order = (job: Job, rank: number): JobEffect => ({
  do: 'ask',
  to: toRunner(job, rank),
  ms: limits.claimMs,
  key: `order/${rank}`,
  message: message('runner.order', {
    runner: runnerOf(job, rank),
    node: nodeOf(job, rank),
    job: job.id,
    attempt: job.attempt,
    rank,
    go: ranks(job).length === 1,
    spec: job.spec,
    script: job.script,
    scriptBlob: job.scriptBlob,
    inputs: [...job.inputs],
    nodes: [...(job.placement?.nodes ?? [])],
    addresses: (job.placement?.nodes ?? []).map((node) => addressOf(job, node)),
    resources: job.placement?.resources ?? { cpus: 1, memoryBytes: 0, gpus: 0 },
    owner: job.owner,
  }),
});

const go = (job: Job, rank: number): JobEffect => ({
  do: 'tell',
  to: toRunner(job, rank),
  message: message('runner.go', { runner: runnerOf(job, rank) }),
});

const stop = (job: Job, rank: number, why: Failure | null): JobEffect => ({
  do: 'ask',
  to: toRunner(job, rank),
  ms: limits.claimMs,
  key: `stop/${rank}`,
  message: message('runner.stop', {
    runner: runnerOf(job, rank),
    node: nodeOf(job, rank),
    job: job.id,
    attempt: job.attempt,
    rank,
    failure: why,
    graceMs: limits.graceMs,
  }),
});

const taken = ({ job, node, rank, seq, attempt }: Report): JobEffect => {
  const runner = `${job}.${attempt}.${rank}`;
  return {
    do: 'tell',
    to: ref(node, `/runners/${runner}`),
    message: message('runner.taken', { runner, seq }),
  };
};

const inPorts = (job: Job): number[] =>
  job.spec.ports.filter((p) => p.direction === 'in').map((p) => p.port);

const forward = (job: Job): readonly JobEffect[] => {
  const ports = inPorts(job);
  if (ports.length === 0) return [];
  if (job.alias === '') return [{ do: 'run', task: 'alias', input: { ports } }];
  const node = nodeOf(job, 0);
  const input = { job: job.id, alias: job.alias, ports, node, address: addressOf(job, node) };
  return [{ do: 'run', task: 'forward', input }];
};

/** What every rank is to be told again, as long as nobody knows that it has heard. */
function remind(job: Job): readonly JobEffect[] {
  const main = job.reports[0]?.phase;
  return ranks(job).flatMap((rank) => {
    if (isOver(job, rank)) return [];
    if (job.stop !== null) return [stop(job, rank, job.stop.failure)];
    if (job.phase === 'collecting' && rank > 0) return [stop(job, rank, null)];
    const phase = job.reports[rank]?.phase;
    if (phase === undefined) return [order(job, rank)];
    const mayStart = rank === 0 ? job.phase !== 'staging' : main === 'running';
    return phase === 'staged' && mayStart ? [go(job, rank)] : [];
  });
}

export function enterLive(job: Job, now: Millis): readonly JobEffect[] {
  const nudge: JobEffect = { do: 'after', ms: limits.nudgeMs, event: { is: 'again' } };
  const late = deadline(job);
  const ports = job.stop === null && job.phase !== 'collecting' ? forward(job) : [];
  const backstop: readonly JobEffect[] =
    late === 0 ? [] : [{ do: 'after', ms: late - now, event: { is: 'late' } }];
  return [...remind(job), ...ports, nudge, ...backstop];
}

/** When the head itself acts: on an attempt far over its walltime, or one that will not end. */
function deadline(job: Job): Millis {
  if (job.stop !== null) return job.stop.since + limits.stopMsMax;
  const { walltimeMs } = job.spec;
  if (job.phase !== 'running' || walltimeMs === 0) return 0;
  return job.startedAt + walltimeMs + limits.graceMs + limits.walltimeSlackMs;
}

export function live(job: Job, event: JobHeard, now: Millis): JobStep {
  switch (event.is) {
    case 'told':
      if (event.message.name === 'job.report')
        return reported(job, event.message.body as Report, event.who, now);
      if (event.message.name === 'job.cluster')
        return [clusterMoved(job, event.message.body as Body<'job.cluster'>, now), []];
      return stay(job);
    case 'again': {
      const nudge: JobEffect = { do: 'after', ms: limits.nudgeMs, event: { is: 'again' } };
      const silent = ranks(job).filter((r) => !isOver(job, r) && job.reports[r] !== null);
      const orders = job.stop === null ? silent.map((rank) => order(job, rank)) : [];
      return [job, [...remind(job), ...orders, nudge]];
    }
    case 'late':
      return late(job, now);
    case 'unanswered':
      return event.failure.code === 'impossible' || event.failure.code === 'refused'
        ? [end(job, event.failure, now), []]
        : stay(job);
    case 'failed':
      return [end(job, event.failure, now), []];
    case 'done':
      return event.task === 'alias' ? [once(job, { alias: event.value }), []] : stay(job);
    default:
      return stay(job);
  }
}

/** Begins to end the attempt; it is over only when its workers say so. */
export const end = (job: Job, why: Failure | null, now: Millis): Job =>
  job.stop === null ? once(job, { stop: { failure: why, since: now } }) : job;

function late(job: Job, now: Millis): JobStep {
  if (job.stop === null) return [end(job, failure('over_walltime', overWalltime(job)), now), []];
  // Its machine will not answer; if the machine is ours it goes, and the attempt with it.
  if (job.placement?.made) return [settle(job, now), []];
  return [once(job, { stop: { ...job.stop, since: now } }), []];
}

const overWalltime = (job: Job): string =>
  `ran longer than its walltime of ${job.spec.walltimeMs / 1000} s`;

function reported(job: Job, report: Report, who: Who, now: Millis): JobStep {
  const known = job.reports[report.rank];
  const placed = report.attempt === job.attempt && report.node === nodeOf(job, report.rank);
  if (!placed || !speaksFor(who, report.node)) return stay(job);
  const effects = [taken(report)];
  if (known && known.seq >= report.seq) return [job, effects];
  const reports = job.reports.map((r, rank) => (rank === report.rank ? report : r));
  return [advance({ ...job, reports }, now), effects];
}

/** Follows the reports; never back, and to the end when every rank is over. */
function advance(job: Job, now: Millis): Job {
  if (ranks(job).every((rank) => isOver(job, rank))) return settle(job, now);
  const main = job.reports[0];
  const bad = job.reports.find((r) => r?.phase === 'over' && r.failure !== null);
  if (bad?.failure && job.stop === null) return end(job, bad.failure, now);
  if (main === null || main === undefined) return job;
  if (main.phase === 'collecting' || main.phase === 'over')
    return job.phase === 'collecting'
      ? { ...job, details: main.detail }
      : to(job, 'collecting', now, { ...begun(job, main), endedAt: main.exitedAt });
  if (main.phase === 'running')
    return job.phase === 'running' ? { ...job, details: main.detail } : run(job, main, now);
  const staged = job.reports.every((r) => r !== null && r.phase !== 'staging');
  if (staged && job.phase === 'staging')
    return to(job, 'starting', now, { details: 'Data uploaded, starting' });
  return job.phase === 'staging' || job.phase === 'starting'
    ? { ...job, details: main.detail || job.details }
    : job;
}

const begun = (job: Job, main: Report): Pick<Job, 'startedAt'> => ({
  startedAt: job.startedAt || main.startedAt,
});

const run = (job: Job, main: Report, now: Millis): Job =>
  to(job, 'running', now, { ...begun(job, main), details: main.detail });

/** The attempt is over on every node: what came of it? */
function settle(job: Job, now: Millis): Job {
  const main = job.reports[0];
  const ended = { endedAt: job.endedAt || main?.exitedAt || now };
  const done = { ...job, ...ended };
  if (job.again !== 'no') return release(done, now, {});
  if (job.cancelled) return release(done, now, endsWith(done, 'C', null));
  if (job.stop?.failure) return release(done, now, endsWith(done, 'E', job.stop.failure));
  const bad = job.reports.find((r) => r?.failure)?.failure;
  if (bad) return release(done, now, endsWith(done, 'E', bad));
  const exit = main?.exit;
  if (!exit) return spoiled(done, now, failure('lost', 'its machine is gone'));
  if (exit.lost) {
    const text = 'its process is gone, and nothing tells how it ended';
    return release(done, now, endsWith(done, 'E', failure('lost', text)));
  }
  if (exit.outOfMemory)
    return release(done, now, endsWith(done, 'E', failure('out_of_memory', 'out of memory')));
  if (exit.signal !== 0) {
    const why = failure('killed', `killed by signal ${exit.signal}, which swm did not send`);
    return release(done, now, endsWith(done, 'E', why));
  }
  return release(done, now, endsWith(done, 'F', null));
}

function clusterMoved(job: Job, news: Body<'job.cluster'>, now: Millis): Job {
  if (news.attempt !== job.attempt || news.cluster !== job.placement?.cluster) return job;
  const heard = { ...job, cluster: news };
  if (ranks(heard).every((rank) => isOver(heard, rank))) return settle(heard, now);
  const silent = news.nodes.find((n) => n.phase === 'silent');
  if (silent === undefined) return { ...heard, details: job.reports[0]?.detail ?? '' };
  const since = new Date(silent.since).toISOString();
  return { ...heard, details: `${job.phase} (node ${silent.name} silent since ${since})` };
}
