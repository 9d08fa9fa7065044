import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { After } from '../../protocol/model.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { whyAwaits } from '../job/dependencies.ts';
import type { Job } from '../job/job.ts';
import { keeping, SHORT } from '../job/keeping.ts';

/**
 * The jobs that a script waits for, by their whole ids. Each is there, also as what is left of a
 * purged one, and its submitter's own: so no two can ever wait for each other. Of jobs of others
 * nobody learns that they are there.
 */
export function dependencies(store: Records, user: Who, after: After): After {
  const count = after.reduce((sum, { jobs }) => sum + jobs.length, 0);
  if (count > limits.dependenciesMax) {
    const text = `there are more than ${limits.dependenciesMax} jobs to wait for`;
    throw new Failed('too_large', text);
  }
  return after.map(({ when, jobs }) => ({
    when,
    jobs: [...new Set(jobs.map((id) => wholeId(store, user, when, id)))],
  }));
}

function wholeId(store: Records, user: Who, when: string, id: string): string {
  const { paths } = find(store, `${SHORT}/${id}`, 2);
  const found = paths
    .flatMap((path) => load(store, keeping, path)?.state ?? [])
    .find(({ owner }) => owner === user.id || user.door === 'operator');
  if (found !== undefined) return found.id;
  throw new Failed('not_found', `${when}: you have no job ${id}`);
}

/** What a job waits for, and how each of those is now. */
export const whyJobAwaits = (store: Records, job: Job): string =>
  whyAwaits(job, (id) => {
    const state = load(store, keeping, `/jobs/${id}`)?.state;
    return state === undefined ? 'forgotten' : phaseText(state);
  });

const phaseText = ({ phase, hold }: Job): string => (phase === 'queued' && hold ? 'held' : phase);
