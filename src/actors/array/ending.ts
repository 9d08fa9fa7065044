import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { mark, type Outcome, to } from '../job/job.ts';
import { type ArrayJob, all, runsBetween, type Tasks, waitingOf } from './array.ts';
import { cancelIn } from './granting.ts';
import { kindOf, taskOf } from './runs.ts';

/** Where an array is with its tasks: what its phase follows from. */
export function settled(job: ArrayJob, now: Millis): ArrayJob {
  const { tasks, hold, stop, cancelled } = job;
  if (job.phase === 'ended') return job;
  if (tasks.tally.live > 0) return inPhase(job, job.startedAt > 0 ? 'running' : 'placing', now);
  if (cancelled || stop !== null) return ended(withoutWaiting(job), now);
  if (waitingOf(tasks) === 0) return ended(job, now);
  if (hold || (job.unmet ?? []).length > 0) return inPhase(job, 'queued', now);
  return inPhase(job, job.startedAt > 0 ? 'running' : 'placing', now);
}

const inPhase = (job: ArrayJob, phase: 'queued' | 'placing' | 'running', now: Millis): ArrayJob =>
  job.phase === phase
    ? job
    : { ...job, phase, since: now, tasks: { ...job.tasks, drawing: false } };

const withoutWaiting = (job: ArrayJob): ArrayJob => ({
  ...job,
  tasks: cancelIn(job.tasks, all(job.tasks)),
});

function ended(job: ArrayJob, now: Millis): ArrayJob {
  const outcome: Outcome = {
    state: job.cancelled ? 'C' : job.stop ? 'E' : 'F',
    exitcode: exitOf(job.tasks),
    signal: 0,
    failure: job.cancelled ? null : (job.stop?.failure ?? null),
  };
  const over = { outcome, endedAt: now, details: outcome.failure?.text ?? '' };
  return to(job, 'ended', now, over) as ArrayJob;
}

/** 0 if all tasks ended well; else the highest of their exit codes, as a shell has them. */
function exitOf(tasks: Tasks): number {
  let worst = 0;
  if (tasks.tally.failed === 0) return worst;
  for (const { word } of runsBetween(tasks, all(tasks))) {
    const { code } = taskOf(word);
    switch (kindOf(word)) {
      case 'exited':
        worst = Math.max(worst, code);
        break;
      case 'killed':
      case 'late':
        worst = Math.max(worst, 128 + code);
        break;
      case 'lost':
        worst = Math.max(worst, LOST);
        break;
    }
  }
  return Math.min(worst, 255);
}

/** What `swm submit --wait` gives for what swm could not bring to an end. */
const LOST = 125;

/** Tasks of one that had ended are to run: that is another run of it. */
export function again(job: ArrayJob, now: Millis): ArrayJob {
  const { run, attempt, outcome, startedAt, endedAt, spent } = job;
  if (job.phase !== 'ended' || outcome === null) return job;
  const past = { run, attempt, outcome, startedAt, endedAt, stdout: null, stderr: null };
  const tally = { ...job.tasks.tally, barren: 0 };
  return {
    ...mark(job, now, 'queued'),
    phase: 'placing',
    since: now,
    run: run + 1,
    runs: [...job.runs, { ...past, cost: spent }].slice(-limits.runsMax),
    spent: 0,
    outcome: null,
    startedAt: 0,
    endedAt: 0,
    cancelled: false,
    stop: null,
    details: '',
    tasks: { ...job.tasks, tally, drawing: false },
  };
}
