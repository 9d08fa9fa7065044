import type { JobPhase } from '../../protocol/model.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { ENDED, keeping, LIVE, QUEUED } from './keeping.ts';

/** How many jobs there are, and how long those wait, or waited, that have not ended. */
export type JobCounts = {
  readonly phases: ReadonlyMap<JobPhase, number>;
  /** When the job that has waited longest was submitted; 0: none waits. */
  readonly oldestQueuedAt: number;
  /** Of those that were placed and have not ended, how long each waited for that, ms. */
  readonly waitsMs: readonly number[];
};

/**
 * Counts the jobs, as many in one step as are asked for. Those that wait or have ended are counted
 * by their keys alone: there may be a million of them.
 */
export function* countJobs(store: Records, perStep: number): Generator<void, JobCounts, void> {
  const phases = new Map<JobPhase, number>();
  const count = (phase: JobPhase, more = 1): void =>
    void phases.set(phase, (phases.get(phase) ?? 0) + more);
  const waitsMs: number[] = [];
  let oldestQueuedAt = 0;
  for (const [phase, prefix] of [
    ['queued', QUEUED],
    ['ended', ENDED],
  ] as const)
    for (const paths of pages(store, prefix, perStep)) {
      count(phase, paths.length);
      if (phase === 'queued' && oldestQueuedAt === 0 && paths[0] !== undefined)
        oldestQueuedAt = load(store, keeping, paths[0])?.state.submittedAt ?? 0;
      yield;
    }
  for (const paths of pages(store, LIVE, perStep)) {
    for (const path of paths) {
      const job = load(store, keeping, path)?.state;
      // Some that wait or have ended have to be looked after, too: they are counted above.
      if (job === undefined || job.phase === 'queued' || job.phase === 'ended') continue;
      count(job.phase);
      const placed = job.timeline.find(({ what }) => what === 'placing');
      if (placed !== undefined) waitsMs.push(Math.max(0, placed.at - job.submittedAt));
    }
    yield;
  }
  return { phases, oldestQueuedAt, waitsMs };
}

function* pages(store: Records, prefix: string, limit: number): Generator<readonly string[]> {
  for (let after = ''; ; ) {
    const page = find(store, prefix, limit, after);
    yield page.paths;
    if (page.next === '') return;
    after = page.next;
  }
}
