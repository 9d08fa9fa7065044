import type { Body, Reply } from '../../protocol/messages.ts';
import type { UsageRow } from '../../protocol/terminal-shapes.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis, Records } from '../../runtime/ports.ts';
import { isArray } from '../array/array.ts';
import { costOf } from '../job/cost.ts';
import type { Job } from '../job/job.ts';
import { jobPage } from './job-page.ts';

/** Sums up a page of the jobs that somebody may see; all pages at once would hold up the loop. */
export function usagePage(
  store: Records,
  user: Who,
  asked: Body<'usage.list'>,
  now: Millis,
): Reply<'usage.list'> {
  const { by = 'user', until = Number.POSITIVE_INFINITY } = asked;
  const page = jobPage(store, user, asked);
  const jobs = page.jobs.filter((job) => job.submittedAt < until);
  const rows = new Map<string, UsageRow>();
  for (const job of jobs) {
    const name = by === 'user' ? job.owner : job.spec.account;
    const { jobs: before = 0, coreMs = 0, cost = 0 } = rows.get(name) ?? {};
    rows.set(name, {
      name,
      jobs: before + 1,
      coreMs: coreMs + coreMsOf(job, now),
      cost: cost + costOf(job, now) + job.runs.reduce((sum, run) => sum + (run.cost ?? 0), 0),
    });
  }
  // All that follow were submitted later still.
  return { rows: [...rows.values()], next: jobs.length < page.jobs.length ? '' : page.next };
}

/** The time of all its runs, by the cores that it has, or had; else by those that it asks for. */
function coreMsOf(job: Job, now: Millis): number {
  const { spec, placement, runs, startedAt, endedAt } = job;
  const cpus = placement?.resources.cpus ?? Math.max(1, spec.cpus);
  const nodes = placement?.nodes.length ?? spec.nodes;
  const last = startedAt === 0 ? 0 : (endedAt || now) - startedAt;
  const ms = runs.reduce((sum, run) => sum + timeOf(run), Math.max(0, last));
  // An array itself has nothing: its shifts have.
  return isArray(job) ? job.tasks.tally.coreMs : ms * cpus * nodes;
}

const timeOf = (run: { readonly startedAt: Millis; readonly endedAt: Millis }): Millis =>
  run.startedAt === 0 ? 0 : Math.max(0, run.endedAt - run.startedAt);
