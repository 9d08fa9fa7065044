import type { ShiftOf } from '../../protocol/array-model.ts';
import type { Checkpoint, Report } from '../../protocol/attempt.ts';
import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body, Message } from '../../protocol/messages.ts';
import { message } from '../../protocol/messages.ts';
import type { BlobRef, File, JobPhase, Mark, Placement, Spec } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { Effect, Heard, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Tasks } from '../array/array.ts';
import type { Changes } from './changes.ts';

/** How a run ended: F it ran to its end, E swm could not bring it there, C it was cancelled. */
export type Outcome = {
  readonly state: 'F' | 'E' | 'C';
  readonly exitcode: number;
  readonly signal: number;
  readonly failure: Failure | null;
};

/** What is kept of a run that was followed by another. */
export type PastRun = {
  readonly run: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  readonly stdout: BlobRef | null;
  readonly stderr: BlobRef | null;
  readonly cost?: number;
};

export type JobStop = {
  readonly failure: Failure | null;
  readonly since: Millis;
  /** It may save itself before it is ended. */
  readonly saves?: boolean;
  /** What it has to end by itself, if not the usual. */
  readonly graceMs?: Millis;
};

/** It waits, and is given no place before it is released. */
export type Hold = {
  readonly by: string;
  /** Then only operators release it. */
  readonly isOperators: boolean;
  readonly since: Millis;
};

/** A job that this one waits for, and what of it. */
export type Unmet = { readonly when: Spec['after'][number]['when']; readonly job: string };

export type ClusterNews = Body<'job.cluster'>;

export type Job = {
  readonly phase: JobPhase;
  readonly round: number;
  readonly id: string;
  readonly owner: string;
  readonly spec: Spec;
  readonly script: string;
  readonly scriptBlob: BlobRef | null;
  readonly inputs: readonly File[];
  /** What was submitted, in one number: the same key with another request is refused. */
  readonly digest: string;
  readonly from: string;
  readonly submittedAt: Millis;
  readonly run: number;
  /** Counts on over all runs. */
  readonly attempt: number;
  /** The attempt that this run began with, later by each that cost it nothing. */
  readonly firstAttempt: number;
  readonly notBefore: Millis;
  /** How often in a row a place was refused to it: each time it waits longer. */
  readonly refusals: number;
  readonly placement: Placement | null;
  /** Whether a worker may know of this attempt: then it must be over before another starts. */
  readonly ordered: boolean;
  readonly cluster: ClusterNews | null;
  /** The newest report of each rank. */
  readonly reports: readonly (Report | null)[];
  /** Why a live attempt is being ended, and since when; null while it is not. */
  readonly stop: JobStop | null;
  readonly cancelled: boolean;
  /** Whether it queues again once all is released. */
  readonly again: 'no' | 'attempt' | 'run';
  /** Whether it showed that its data is there, not yet that it runs: it shows no Q meanwhile. */
  readonly uploaded: boolean;
  readonly alias: string;
  readonly details: string;
  readonly outcome: Outcome | null;
  readonly since: Millis;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  readonly timeline: readonly Mark[];
  readonly runs: readonly PastRun[];
  /** Since when it holds what was made for it, which costs; 0: nothing. */
  readonly heldAt: Millis;
  /** What this run has cost with what it holds no more. */
  readonly spent: number;
  /** Of a purged job only its key is left, which answers as before; later nothing. */
  readonly remains: 'all' | 'key' | 'nothing';
  /**
   * When this attempt was last told that it may go on, as far as is known since its actor was
   * opened: it is not kept. Without it, or with 0, that may have been at any time until now.
   */
  readonly leasedAt?: Millis;
  /** The last that heads keep of this job: what its next attempt goes on from. */
  readonly checkpoint?: Checkpoint | null;
  /** Only while it is queued. */
  readonly hold?: Hold | null;
  /** Until when its terminal is taken to be there; null of one that has none. */
  readonly tiedUntil?: Millis | null;
  /** What it still waits for of what its script says. */
  readonly unmet?: readonly Unmet[] | null;
  /** Another job waits for this one, or did. */
  readonly awaited?: boolean | null;
  /** Of a job that says `notify`. */
  readonly changes?: Changes | null;
  /** Of an array. */
  readonly tasks?: Tasks;
  /** It runs tasks of an array; `told` once that knows that it has ended. */
  readonly shift?: (ShiftOf & { readonly told?: boolean }) | null;
};

export type JobHears =
  | 'job.create'
  | 'job.place'
  | 'job.cancel'
  | 'job.requeue'
  | 'job.checkpoint'
  | 'job.hold'
  | 'job.release'
  | 'job.update'
  | 'job.tie'
  | 'job.purge'
  | 'job.cluster'
  | 'job.report'
  | 'job.lease'
  | 'job.secrets'
  | 'job.overspent'
  | 'job.preempt'
  | 'shift.next'
  | 'array.work'
  | 'array.left'
  | 'job.await'
  | 'job.moved'
  | 'job.preempt';

export type JobEvent =
  | { readonly is: 'late' }
  | { readonly is: 'again' }
  /** What it holds has cost all that it may. */
  | { readonly is: 'spent' }
  /** Its terminal may be gone. */
  | { readonly is: 'untied' }
  /** Who waits for it is to be told; one that it waits for is to be asked. */
  | { readonly is: 'tell' }
  | { readonly is: 'ask'; readonly job: string }
  /** Its herald did not answer. */
  | { readonly is: 'untold' };

export type JobTasks = {
  /** Finds an address for the job's `in` ports. */
  alias: readonly [{ readonly ports: readonly number[] }, string];
  /** Binds the ports there, and leads them to the node. */
  forward: readonly [
    {
      readonly job: string;
      readonly alias: string;
      readonly ports: readonly number[];
      readonly node: string;
      readonly address: string;
    },
    null,
  ];
  unforward: readonly [{ readonly job: string }, null];
  /** Ids for so many jobs that are none yet. */
  draw: readonly [{ readonly count: number }, readonly string[]];
  /** Opens secrets of an owner, for the question that is the key of the task. */
  secrets: readonly [
    { readonly owner: string; readonly names: readonly string[] },
    Readonly<Record<string, string>>,
  ];
  /** A page of those that wait for a job. */
  awaiting: readonly [
    { readonly job: string; readonly after: string },
    { readonly jobs: readonly string[]; readonly next: string },
  ];
};

export type JobEffect = Effect<JobEvent, JobTasks>;
export type JobHeard = Heard<JobHears, JobEvent, JobTasks>;
export type JobStep = Step<Job, JobEvent, JobTasks>;
export type ToldJob = Told<JobHears>;

export const stay = (job: Job): JobStep => [job, []];

/** Moves a job to a phase; the instant is kept, so that a restart grants no extra time. */
export const to = (job: Job, phase: JobPhase, now: Millis, change: Partial<Job> = {}): Job =>
  mark({ ...job, since: now, details: '', ...change, phase }, now, phase);

/** Enters the same phase once more, with other facts. */
export const once = (job: Job, change: Partial<Job>): Job => ({
  ...job,
  ...change,
  round: job.round + 1,
});

/** The text is cut as the shape of a mark wants it. */
export const mark = <J extends Job>(job: J, at: Millis, what: string): J => ({
  ...job,
  timeline: [...job.timeline, { at, what: what.slice(0, 200) }].slice(-limits.marksMax),
});

const toCluster = (job: Job): ReturnType<typeof control> =>
  control(`/clusters/${job.placement?.cluster ?? ''}`);

export const runnerOf = (job: Job, rank: number): string => `${job.id}.${job.attempt}.${rank}`;

export const toScheduler = (job: Job, waits: Body<'scheduler.job'>['waits']): JobEffect => ({
  do: 'tell',
  to: control('/scheduler'),
  message: message('scheduler.job', { id: job.id, waits }),
});

export const askCluster = (job: Job, what: Message, key: string): JobEffect => ({
  do: 'ask',
  to: toCluster(job),
  message: what,
  ms: limits.claimMs,
  key,
});

/** Whether somebody may see and steer a job: its owner, an operator, and swm itself. */
export const may = (job: Job, who: Who): boolean =>
  who.door === 'local' ||
  who.door === 'operator' ||
  (who.door === 'terminal' && who.id === job.owner);

/** A worker may speak only of what was placed on it. */
export const speaksFor = (who: Who, node: string): boolean =>
  who.door === 'local' || who.door === 'head' || who.id === node;

export const forbidden = (job: Job): Failure =>
  failure('forbidden', `job ${job.id} belongs to somebody else`);

export const refuse = (job: Job, ask: number, why: string): JobStep => [
  job,
  [{ do: 'refuse', ask, failure: failure('wrong_phase', `job ${job.id}: ${why}`) }],
];

/** Whether it is cancelled once its terminal is there no more. */
export const isTied = ({ tiedUntil }: Pick<Job, 'tiedUntil'>): boolean =>
  tiedUntil !== undefined && tiedUntil !== null;

/** Whether a worker may have something of this attempt running. */
export const isLive = (job: Job): boolean =>
  job.phase === 'staging' ||
  job.phase === 'starting' ||
  job.phase === 'running' ||
  job.phase === 'collecting';

/** The rank's machine is confirmed gone: by the site that had made it, or by an operator. */
export const isNodeGone = (job: Job, rank: number): boolean => {
  if (job.cluster?.phase === 'gone') return true;
  const node = job.placement?.nodes[rank];
  return job.cluster?.nodes.find((n) => n.name === node)?.phase === 'gone';
};

/** Nothing of the rank runs, or ever will: its worker said so, or its machine is gone. */
export const isOver = (job: Job, rank: number): boolean =>
  job.reports[rank]?.phase === 'over' || isNodeGone(job, rank);

export const ranks = (job: Job): readonly number[] =>
  (job.placement?.nodes ?? []).map((_, rank) => rank);

/** Releases all it holds, and then ends with the outcome, or queues again. */
export const release = (job: Job, now: Millis, change: Partial<Job>): Job =>
  to(job, 'releasing', now, change);
