import type { Policy } from '../../protocol/policy.ts';
import { isBounded } from './bounds.ts';
import { kindOf, type Waiting } from './place.ts';
import { isAsked } from './want.ts';

/** A job that waits, with the key of its line, which is made once. */
export type InLine = Waiting & { readonly key: string };

/** Jobs that are alike in all that decides: those from `from` on wait still. */
export type Line = { readonly jobs: readonly InLine[]; readonly from: number };

/** By what decides: what jobs ask for, how urgent they are, and perhaps whose. */
export type Lines = ReadonlyMap<string, Line>;

/** Makes the key of a job's line, by what a policy looks at. */
export function keyed(policy: Policy): (job: Waiting) => InLine {
  const isByOwner =
    isBounded(policy) ||
    policy.reservations.length > 0 ||
    Object.values(policy.queues).some(({ users, accounts }) => users ?? accounts);
  const isByAccount = isByOwner || policy.fairShare.weight > 0;
  return (job) => {
    const { spec, owner = '' } = job;
    const { priority, account, preemptible, gang, gangSize } = spec;
    // Whose it is matters also where something may be kept for them.
    const isOwn = isAsked(spec) || gang !== '';
    const whose = [
      isByOwner || isOwn ? owner : '',
      isByAccount || isOwn ? account : '',
      ...(gang === '' ? [] : [gang, gangSize]),
    ];
    const key = whose.every((name) => name === '') ? '' : JSON.stringify(whose);
    return { ...job, key: `${priority} ${preemptible} ${kindOf(spec)} ${key}` };
  };
}

export const isBefore = (a: InLine, b: InLine): boolean =>
  a.submittedAt < b.submittedAt || (a.submittedAt === b.submittedAt && a.id < b.id);

const inOrder = (a: InLine, b: InLine): number => (isBefore(a, b) ? -1 : 1);

/** Lines with more jobs, each at its place. Lines that got none are the same. */
export function queued(lines: Lines, jobs: readonly InLine[]): Lines {
  if (jobs.length === 0) return lines;
  const coming = new Map<string, InLine[]>();
  for (const job of jobs) {
    const there = coming.get(job.key);
    if (there === undefined) coming.set(job.key, [job]);
    else there.push(job);
  }
  const all = new Map(lines);
  for (const [key, more] of coming) all.set(key, merged(all.get(key), more.sort(inOrder)));
  return all;
}

/** Who comes stands, nearly always, behind nearly all who are there already. */
function merged(line: Line | undefined, more: readonly InLine[]): Line {
  if (line === undefined) return { jobs: more, from: 0 };
  const { jobs, from } = line;
  let at = jobs.length;
  while (at > from && isBefore(more[0] as InLine, jobs[at - 1] as InLine)) at--;
  const tail = jobs.slice(at).concat(more);
  return {
    jobs: jobs.slice(from, at).concat(at < jobs.length ? tail.sort(inOrder) : tail),
    from: 0,
  };
}

/** The line from the first on that waits still; undefined: nobody does. */
export function pruned({ jobs, from }: Line, waits: (job: InLine) => boolean): Line | undefined {
  let at = from;
  while (at < jobs.length && !waits(jobs[at] as InLine)) at++;
  return at === jobs.length ? undefined : { jobs, from: at };
}
