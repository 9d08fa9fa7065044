import { failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Reply } from '../../protocol/messages.ts';
import type { Spec } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isArray } from '../array/array.ts';
import { unheld } from './hold.ts';
import {
  type Job,
  type JobEffect,
  type JobHeard,
  type JobStep,
  mark,
  once,
  release,
  type Unmet,
} from './job.ts';
import { endsWith } from './outcome.ts';

/**
 * Jobs that wait for others. Whoever waits is found by the keys of its own record, and asks anew
 * whenever it is opened; whoever is waited for remembers only that somebody asked.
 */

/** How a job is, for those that wait for it. */
type Standing = Reply<'job.await'>;

export const unmetOf = ({ after }: Spec): readonly Unmet[] =>
  after.flatMap(({ when, jobs }) => jobs.map((job) => ({ when, job })));

export const isAwaiting = ({ phase, unmet }: Job): boolean =>
  phase === 'queued' && (unmet ?? []).length > 0;

/** It is queued, and yet the scheduler is not to hear of it. */
export const isBarred = (job: Job): boolean => Boolean(job.hold) || isAwaiting(job);

/** Asks each that it waits for how it is; from then on that one tells. */
export const askAwaited = (job: Job): readonly JobEffect[] =>
  isAwaiting(job) ? awaitedBy(job).map((id) => askOne(id)) : [];

const askOne = (id: string): JobEffect => ({
  do: 'ask',
  to: control(`/jobs/${id}`),
  message: message('job.await', { id }),
  ms: limits.callMs,
  key: id,
});

/** Whom it waits for, each once. */
export const awaitedBy = ({ unmet }: Job): readonly string[] => [
  ...new Set((unmet ?? []).map(({ job }) => job)),
];

/** What a job that waits for others hears of them; undefined: it is about something else. */
export function heardOfOthers(job: Job, event: JobHeard, now: Millis): JobStep | undefined {
  if (job.phase !== 'queued') return undefined;
  switch (event.is) {
    case 'told': {
      if (event.message.name !== 'job.moved') return undefined;
      const { job: of, ...standing } = event.message.body as Body<'job.moved'>;
      return [met(job, of, standing, now), []];
    }
    case 'answered':
      if (!awaitedBy(job).includes(event.key)) return undefined;
      return [met(job, event.key, event.body as Standing, now), []];
    case 'unanswered':
      if (!awaitedBy(job).includes(event.key)) return undefined;
      if (event.failure.code === 'not_found') return [met(job, event.key, FORGOTTEN, now), []];
      return [job, [{ do: 'after', ms: limits.againMs, event: { is: 'ask', job: event.key } }]];
    case 'ask':
      return [job, awaitedBy(job).includes(event.job) ? [askOne(event.job)] : []];
    default:
      return undefined;
  }
}

/** Of a job that is forgotten nobody knows how it ended, only that it did. */
const FORGOTTEN: Standing = { started: true, state: '', exitcode: 0, forgotten: true };

function met(job: Job, of: string, standing: Standing, now: Millis): Job {
  const unmet = job.unmet ?? [];
  const never = unmet.find((one) => one.job === of && verdict(one.when, standing) === 'never');
  if (never !== undefined) {
    const why = failure('dependency', neverText(never, standing));
    if (isArray(job)) return { ...unheld(job), stop: { failure: why, since: now } };
    return release(unheld(job), now, endsWith(job, 'E', why));
  }
  const left = unmet.filter((one) => one.job !== of || verdict(one.when, standing) === 'unmet');
  if (left.length === unmet.length) return job;
  return left.length > 0
    ? { ...job, unmet: left }
    : once(mark({ ...job, unmet: left }, now, 'the jobs that it waited for are done'), {});
}

type Verdict = 'met' | 'unmet' | 'never';

function verdict(when: Unmet['when'], { started, state, exitcode, forgotten }: Standing): Verdict {
  const isOver = state !== '' || forgotten === true;
  if (when === 'after' && started) return 'met';
  if (!isOver) return 'unmet';
  if (when === 'after' || when === 'after-any') return 'met';
  if (forgotten) return 'never';
  const isWell = state === 'F' && exitcode === 0;
  return isWell === (when === 'after-ok') ? 'met' : 'never';
}

function neverText({ when, job }: Unmet, standing: Standing): string {
  const wanted = when === 'after-ok' ? 'only if it ended well' : 'only if it failed';
  return `waited for job ${job}, which ${endText(standing)}; it was to run ${wanted}`;
}

function endText({ state, exitcode, forgotten }: Standing): string {
  if (forgotten) return 'is forgotten by now';
  if (state === 'C') return 'was cancelled';
  return state === 'E' ? 'could not be run to its end' : `ended with exit code ${exitcode}`;
}

const standingOf = (job: Job): Standing => ({
  started: job.startedAt > 0 || job.phase === 'running',
  state: job.phase === 'ended' ? (job.outcome?.state ?? '') : '',
  exitcode: job.outcome?.exitcode ?? 0,
});

/** Somebody waits for it: it answers how it is, and will tell of its start and its end. */
export function awaited(job: Job, ask: number): JobStep {
  const next = job.phase === 'ended' || job.awaited ? job : { ...job, awaited: true };
  return [next, [{ do: 'reply', ask, body: standingOf(job) }]];
}

/**
 * Once it runs, and once it has ended, finds those that wait for it: whoever asked before is kept,
 * so none is missed.
 */
export const tellAwaiting = (job: Job, after = ''): readonly JobEffect[] =>
  job.awaited && (job.phase === 'running' || job.phase === 'ended')
    ? [{ do: 'run', task: 'awaiting', input: { job: job.id, after } }]
    : [];

/** What comes of looking for them; undefined: the event is about something else. */
export function foundAwaiting(job: Job, event: JobHeard): JobStep | undefined {
  switch (event.is) {
    case 'done': {
      if (event.task !== 'awaiting') return undefined;
      const { jobs, next } = event.value;
      const tells = jobs.map((id): JobEffect => tell(id, job));
      return [job, next === '' ? tells : [...tells, ...tellAwaiting(job, next)]];
    }
    case 'failed':
      if (event.task !== 'awaiting') return undefined;
      return [job, [{ do: 'after', ms: limits.againMs, event: { is: 'tell' } }]];
    case 'tell':
      return [job, tellAwaiting(job)];
    default:
      return undefined;
  }
}

const tell = (id: string, job: Job): JobEffect => ({
  do: 'tell',
  to: control(`/jobs/${id}`),
  message: message('job.moved', { id, job: job.id, ...standingOf(job) }),
});

const wants: Readonly<Record<Unmet['when'], string>> = {
  after: 'to start',
  'after-ok': 'to end well',
  'after-not-ok': 'to fail',
  'after-any': 'to end',
};

/** Jobs that are named before the others are counted. */
const NAMED = 4;

/** What it waits for, for those who ask; `phaseOf` says how each is now, '' if nobody knows. */
export function whyAwaits(job: Job, phaseOf: (id: string) => string = () => ''): string {
  const unmet = job.unmet ?? [];
  const named = unmet.slice(0, NAMED).map(({ when, job: id }) => {
    const phase = phaseOf(id);
    return `job ${id.slice(0, 8)} is first ${wants[when]}${phase === '' ? '' : ` (${phase} now)`}`;
  });
  const more = unmet.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more jobs are awaited`] : [])].join('; ');
}
