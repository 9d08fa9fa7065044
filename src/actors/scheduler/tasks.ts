import { limits } from '../../protocol/limits.ts';
import type { Keeping, Tasks } from '../../runtime/family.ts';
import type { Millis, Store } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { CLUSTERS, keeping as clusterKeeping } from '../cluster/keeping.ts';
import { offer } from '../cluster/news.ts';
import { isBarred } from '../job/dependencies.ts';
import type { Job } from '../job/job.ts';
import { ENDED, keeping as jobKeeping, PLACING, QUEUED } from '../job/keeping.ts';
import { sortable } from '../keeping.ts';
import { reputes } from '../repute/keeping.ts';
import { tenureOf } from '../tenure.ts';
import { type Asked, type Foresight, foreseen } from './foresee.ts';
import { type Past, pastOf, type Run } from './past.ts';
import type { Ended, SchedulerEvent, SchedulerTasks } from './scheduler.ts';
import { spentBy } from './share.ts';

/** Reads what waits, page by page while the scheduler is at work already, and what there is. */
export function schedulerTasks(store: Store, turn: Turn): Tasks<SchedulerEvent, SchedulerTasks> {
  return {
    foresee: (asked, { signal }) => foresee(store, turn, asked, signal),
    usage: async ({ since, until, after }) => {
      const from = after === '' ? `i${ENDED}/${sortable(since)}` : after;
      const below = `${ENDED}/${sortable(until)}`;
      const page = find(store, `${ENDED}/`, limits.pageMax, from, below);
      const ended = page.paths.flatMap((path) => {
        const job = load(store, jobKeeping, path)?.state;
        return job === undefined ? [] : usedBy(job);
      });
      const next = page.next === '' ? null : { since, until, after: page.next };
      return { ended, next };
    },
    load: async ({ after }) => {
      const page = find(store, `${QUEUED}/`, limits.pageMax, after);
      const jobs = page.paths.flatMap((path) => {
        const job = load(store, jobKeeping, path)?.state;
        if (job === undefined || job.phase !== 'queued' || isBarred(job)) return [];
        const { id, attempt, submittedAt, notBefore, spec, owner } = job;
        return [{ id, attempt, submittedAt, notBefore, spec, owner }];
      });
      return { jobs, next: page.next };
    },
    clusters: async () => {
      const clusters = all(store, CLUSTERS, clusterKeeping);
      const held = new Set(
        clusters.flatMap(({ holds }) => holds.map(({ job, attempt }) => `${job}.${attempt}`)),
      );
      const claims = all(store, PLACING, jobKeeping).flatMap(
        ({ id, attempt, placement, owner, spec }) =>
          placement === null || held.has(`${id}.${attempt}`)
            ? []
            : [{ id, attempt, placement, tenure: tenureOf(owner, spec) }],
      );
      const known = reputes(store);
      return { clusters: clusters.map((cluster) => offer(cluster)), claims, reputes: known };
    },
  };
}

/** Lets all else go on that is due. */
export type Turn = () => Promise<void>;

async function foresee(
  store: Store,
  turn: Turn,
  asked: Asked,
  signal: AbortSignal,
): Promise<Foresight> {
  const work = foreseen(asked, () => readPast(store, turn, asked.question.now));
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
    await turn();
    signal.throwIfAborted();
  }
}

/** What has ended lately: span by span, each four times as long as the one after it. */
async function readPast(store: Store, turn: Turn, now: Millis): Promise<Past> {
  const runs: Run[] = [];
  const oldest = Math.max(0, now - limits.pastMs);
  for (let [until, span] = [now, HOUR_MS]; until > oldest; span *= 4) {
    const from = Math.max(oldest, until - span);
    for (let after = `i${ENDED}/${sortable(from)}`; after !== ''; ) {
      const left = Math.min(PAGE, limits.pastMax - runs.length);
      if (left <= 0) return pastOf(runs);
      const page = find(store, `${ENDED}/`, left, after, `${ENDED}/${sortable(until)}`);
      for (const path of page.paths) runs.push(...ranIn(load(store, jobKeeping, path)?.state));
      after = page.next;
      await turn();
    }
    until = from;
  }
  return pastOf(runs);
}

const HOUR_MS = 3_600_000;
/** Records that are read at once, between two turns. */
const PAGE = 50;

const ranIn = (job: Job | undefined): readonly Run[] =>
  job === undefined || job.startedAt === 0
    ? []
    : [
        {
          owner: job.owner,
          askedMs: job.spec.walltimeMs,
          tookMs: Math.max(1, job.endedAt - job.startedAt),
        },
      ];

/** Of its runs the last; what those before it used is older. */
function usedBy({ placement, spec, startedAt, endedAt }: Job): readonly Ended[] {
  if (placement === null || startedAt === 0) return [];
  const { nodes, resources } = placement;
  const amount = spentBy({ nodes: nodes.length, resources, ms: endedAt - startedAt });
  return [{ account: spec.account, amount, at: endedAt }];
}

const all = <S>(store: Store, index: string, keeping: Keeping<S>): readonly S[] =>
  find(store, index, Number.MAX_SAFE_INTEGER).paths.flatMap(
    (path) => load(store, keeping, path)?.state ?? [],
  );
