import { isLive, isOver, type Job } from '../actors/job/job.ts';
import { keeping } from '../actors/job/keeping.ts';
import { nodeOf } from '../actors/job/orders.ts';
import type { Hub } from '../platform/streams.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Who } from '../protocol/who.ts';
import type { Records } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';

/** What a head needs to serve what runs on its workers. */
export type AttemptSetup = {
  readonly store: Records;
  /** Resolves once the records hold all that anybody was told. */
  readonly current: () => Promise<void>;
  /** This head. */
  readonly name: string;
  readonly hub: (node: string) => Hub | undefined;
};

/** A process of an attempt, and the node that says that it runs there. */
export type Attempt = {
  readonly job: string;
  readonly attempt: number;
  readonly rank: number;
  readonly node: string;
};

/** The job of an attempt. Throws `Failed`: a worker may speak only of what runs on it. */
export async function attemptOf(
  { store, current }: AttemptSetup,
  { job: id, attempt, rank, node }: Attempt,
): Promise<Job> {
  await current();
  const job = load(store, keeping, `/jobs/${id}`)?.state;
  const runs =
    job !== undefined &&
    isLive(job) &&
    job.attempt === attempt &&
    nodeOf(job, rank) === node &&
    !isOver(job, rank);
  if (runs) return job;
  throw new Failed('forbidden', `attempt ${id}.${attempt}.${rank} is not on ${node}`);
}

type Given = Readonly<Record<string, unknown>>;

/** Another head says of which node it speaks; a worker speaks only ever of itself. */
export const attemptNamed = (given: Given, { door, id }: Who): Attempt => ({
  job: textOf(given, 'job'),
  attempt: countOf(given, 'attempt'),
  rank: countOf(given, 'rank'),
  node: door === 'head' ? textOf(given, 'node') : id,
});

export function textOf(given: Given, name: string): string {
  const value = given[name];
  if (typeof value === 'string' && value.length <= limits.pathCharsMax) return value;
  throw new Malformed(`$.${name}`, 'a text');
}

export function countOf(given: Given, name: string): number {
  const value = given[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Malformed(`$.${name}`, 'a count');
}
