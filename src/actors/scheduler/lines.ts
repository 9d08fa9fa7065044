import { kindOf, type Waiting } from './place.ts';
import { isAsked } from './want.ts';

/** A job that waits, with its kind, which is made once. */
export type InLine = Waiting & { readonly kind: string };

/** Jobs of one kind and priority, some also of one owner: those from `from` on wait still. */
export type Line = { readonly jobs: readonly InLine[]; readonly from: number };

/** By kind and priority, some also by owner. */
export type Lines = ReadonlyMap<string, Line>;

export const withKind = (job: Waiting): InLine => ({ ...job, kind: kindOf(job.spec) });

/** Whose it is matters where something may be kept for them. */
export const keyOf = ({ kind, spec, owner = '' }: InLine): string =>
  isAsked(spec) ? `${spec.priority} ${owner} ${spec.account} ${kind}` : `${spec.priority} ${kind}`;

const isBefore = (a: InLine, b: InLine): boolean =>
  a.submittedAt < b.submittedAt || (a.submittedAt === b.submittedAt && a.id < b.id);

const inOrder = (a: InLine, b: InLine): number => (isBefore(a, b) ? -1 : 1);

/** Lines with more jobs, each at its place. Lines that got none are the same. */
export function queued(lines: Lines, jobs: readonly InLine[]): Lines {
  if (jobs.length === 0) return lines;
  const coming = new Map<string, InLine[]>();
  for (const job of jobs) {
    const key = keyOf(job);
    const there = coming.get(key);
    if (there === undefined) coming.set(key, [job]);
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

/** Whether one goes before another of a different line. */
export const isAhead = (a: InLine, b: InLine): boolean =>
  a.spec.priority === b.spec.priority ? isBefore(a, b) : a.spec.priority > b.spec.priority;

/** The line from the first on that waits still; undefined: nobody does. */
export function pruned({ jobs, from }: Line, waits: (job: InLine) => boolean): Line | undefined {
  let at = from;
  while (at < jobs.length && !waits(jobs[at] as InLine)) at++;
  return at === jobs.length ? undefined : { jobs, from: at };
}
