import type { JobLetter, JobRow, JobView } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isArray } from '../array/array.ts';
import { detailsOf, tasksOf } from '../array/view.ts';
import { costOf } from './cost.ts';
import { isAwaiting, whyAwaits } from './dependencies.ts';
import { whyHeld } from './hold.ts';
import type { Job } from './job.ts';

/**
 * The letter that a job shows in each phase. Once its end is settled, the letter says how.
 * Terminals that wait for a start take a Q after the data was there as its end: until it runs it
 * shows none.
 */
export function letter(job: Job): JobLetter {
  if (job.outcome !== null) return job.outcome.state;
  switch (job.phase) {
    case 'queued':
    case 'placing':
      return job.uploaded ? 'W' : 'Q';
    case 'provisioning':
    case 'starting':
      return 'W';
    case 'staging':
    case 'collecting':
      return 'T';
    case 'running':
      return 'R';
    case 'releasing':
    case 'ended':
      return job.cancelled ? 'C' : 'W';
  }
}

/** How the details of a job in W begin, one of them: by that, terminals know what it waits for. */
const KNOWN = [
  'initiate a new partition',
  'partition spawned',
  'partition has not been created yet',
  'waiting for ssh provisioning port',
  'uploading the worker',
  'start secured tunnel',
  'sky port connected',
  'waiting for sky port port readiness',
  'data uploaded',
];

/** Why it waits, by the scheduler; and before what it is tried again, why it was not to be. */
function reasonOf(job: Job, reason: string): string {
  // How it ended is known, and matters more than what is done with its cluster.
  if (job.phase === 'releasing' && job.outcome?.failure) return job.outcome.failure.text;
  if (job.phase === 'queued' && job.hold) return whyHeld(job);
  if (isAwaiting(job)) return reason || whyAwaits(job);
  if (job.phase !== 'queued' || reason === '') return job.details;
  const isPut = reason.startsWith('tries again') && job.details !== '';
  return isPut ? `${job.details}; ${reason}` : reason;
}

function details(job: Job, reason: string): string {
  const text = reasonOf(job, reason);
  const isKnown = KNOWN.some((begin) => text.toLowerCase().startsWith(begin));
  if (letter(job) !== 'W' || isKnown) return text.slice(0, 4096);
  const lead = job.phase === 'starting' ? 'Data uploaded, starting' : 'Initiate a new partition';
  return (text === '' ? lead : `${lead}: ${text}`).slice(0, 4096);
}

/** A job as lists show it. `reason` is the scheduler's word on why it waits. */
export function row(job: Job, reason = ''): JobRow {
  const main = job.reports[0];
  return {
    id: job.id,
    name: job.spec.name,
    owner: job.owner,
    state: letter(job),
    phase: job.phase,
    details: isArray(job) ? detailsOf(job, reason) : details(job, reason),
    submittedAt: job.submittedAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    exitcode: job.outcome?.exitcode ?? main?.exit?.code ?? 0,
    signal: job.outcome?.signal ?? main?.exit?.signal ?? 0,
    attempt: job.attempt,
    run: job.run,
    cluster: job.placement?.cluster ?? '',
    nodes: [...(job.placement?.nodes ?? [])],
    remote: job.placement?.made?.remote ?? '',
    flavor: job.placement?.made?.flavor ?? '',
    account: job.spec.account,
    comment: job.spec.comment,
    address: job.alias,
    request: requestOf(job),
    ...(job.placement !== null && { resources: job.placement.resources }),
    ...(isArray(job) && { tasks: tasksOf(job) }),
    ...(job.spec.dag && { dag: job.spec.dag }),
  };
}

function requestOf({ spec }: Job): NonNullable<JobRow['request']> {
  const { nodes, flavor, cloudImage: image, cpus, memoryBytes, gpus } = spec;
  const { queue, priority, walltimeMs } = spec;
  return { nodes, flavor, image, cpus, memoryBytes, gpus, queue, priority, walltimeMs };
}

/** All that is kept of a job, and what it has cost by now. */
export function view(job: Job, now: Millis, reason = ''): JobView {
  const main = job.reports[0];
  return {
    ...row(job, reason),
    spec: job.spec,
    script: job.script,
    timeline: [...job.timeline],
    outputs: job.reports.flatMap((r) => r?.collected?.outputs ?? []),
    missing: job.reports.flatMap((r) => r?.collected?.missing ?? []),
    unenforced: [...(main?.unenforced ?? [])],
    stdout: main?.collected?.stdout ?? null,
    stderr: main?.collected?.stderr ?? null,
    price: job.placement?.made?.price ?? 0,
    cost: costOf(job, now),
    costBefore: job.runs.reduce((sum, { cost = 0 }) => sum + cost, 0),
    ...(job.checkpoint && { checkpoint: job.checkpoint }),
    used: job.reports.flatMap((r) => (r?.used ? [{ rank: r.rank, node: r.node, ...r.used }] : [])),
  };
}
