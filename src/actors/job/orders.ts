import type { Checkpoint, Report } from '../../protocol/attempt.ts';
import type { Failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { ref } from '../../protocol/ref.ts';
import { isOver, type Job, type JobEffect, ranks, runnerOf } from './job.ts';

/** What a live job says to its runners, and has done about its ports. */

export const nodeOf = (job: Job, rank: number): string => job.placement?.nodes[rank] ?? '';
const addressOf = (job: Job, node: string): string =>
  job.cluster?.nodes.find((n) => n.name === node)?.address ?? '';
const toRunner = (job: Job, rank: number): ReturnType<typeof ref> =>
  ref(nodeOf(job, rank), `/runners/${runnerOf(job, rank)}`);

const portsIn = (job: Job): number[] =>
  job.spec.ports.filter((p) => p.direction === 'in').map((p) => p.port);

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
    go: ranks(job).length === 1 && portsIn(job).length === 0,
    spec: job.spec,
    script: job.script,
    scriptBlob: job.scriptBlob,
    inputs: [...job.inputs],
    nodes: [...(job.placement?.nodes ?? [])],
    addresses: (job.placement?.nodes ?? []).map((node) => addressOf(job, node)),
    resources: job.placement?.resources ?? { cpus: 1, memoryBytes: 0, gpus: 0 },
    owner: job.owner,
    from: job.from,
    ...(job.checkpoint && { checkpoint: goesOnFrom(job.checkpoint, rank) }),
  }),
});

/** Only the main rank's files are the job's; the others hear that it goes on. */
const goesOnFrom = ({ at, attempt, files }: Checkpoint, rank: number): Checkpoint => ({
  at,
  attempt,
  files: rank === 0 ? [...files] : [],
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
    graceMs: job.stop?.graceMs ?? limits.graceMs,
    ...(job.stop?.saves && rank === 0 && { saveMs: limits.checkpointMsMax }),
  }),
});

/** Has the main rank save itself; one that does not hear of it only saves itself later. */
export const save = (job: Job): JobEffect => ({
  do: 'tell',
  to: toRunner(job, 0),
  message: message('runner.checkpoint', { runner: runnerOf(job, 0) }),
});

export const taken = ({ job, node, rank, seq, attempt }: Report): JobEffect => {
  const runner = `${job}.${attempt}.${rank}`;
  return {
    do: 'tell',
    to: ref(node, `/runners/${runner}`),
    message: message('runner.taken', { runner, seq }),
  };
};

/**
 * What every rank is to be told again, as long as nobody knows that it has heard. One that has
 * reported is never ordered again: a worker that lost its records must not take it for new.
 */
export function remind(job: Job): readonly JobEffect[] {
  return ranks(job).flatMap((rank) => {
    if (isOver(job, rank)) return [];
    if (job.stop?.saves && rank > 0 && isMainLive(job)) return [];
    if (job.stop !== null) return [stop(job, rank, job.stop.failure)];
    if (job.phase === 'collecting' && rank > 0) return [stop(job, rank, null)];
    if (job.reports[rank]?.phase === undefined) return [order(job, rank)];
    const mayStart = rank === 0 ? portsIn(job).length === 0 : job.reports[0]?.phase === 'running';
    return mayStart ? letGo(job, rank) : [];
  });
}

/** While the main rank saves itself it may need the others. */
const isMainLive = (job: Job): boolean => !isOver(job, 0) && job.reports[0]?.phase !== 'collecting';

/** Lets a rank start that is ready for it. */
const letGo = (job: Job, rank: number): readonly JobEffect[] =>
  job.phase !== 'staging' && job.reports[rank]?.phase === 'staged' ? [go(job, rank)] : [];

/**
 * Whoever sees it run must reach its ports: with them, the main
 * rank starts once they are bound.
 */
export const forwarded = (job: Job): readonly JobEffect[] =>
  job.stop === null && !isOver(job, 0) ? letGo(job, 0) : [];

/** Says again what was taken of each rank: a runner that was given up lives again by it. */
export const poke = (job: Job): readonly JobEffect[] =>
  job.reports.flatMap((report, rank) => (report && !isOver(job, rank) ? [taken(report)] : []));

/** Binding the ports that are bound already changes nothing. */
export function forward(job: Job): readonly JobEffect[] {
  const ports = portsIn(job);
  if (ports.length === 0) return [];
  if (job.alias === '') return [{ do: 'run', task: 'alias', input: { ports } }];
  const node = nodeOf(job, 0);
  const input = { job: job.id, alias: job.alias, ports, node, address: addressOf(job, node) };
  return [{ do: 'run', task: 'forward', input }];
}
