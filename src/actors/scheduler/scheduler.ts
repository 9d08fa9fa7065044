import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Heard, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { fit, neverFits, type Picture, type Proposal, type Waiting } from './fit.ts';

type ClusterNews = Body<'scheduler.cluster'>;
type SiteNews = Body<'scheduler.site'>;

export type SchedulerArgs = {
  readonly relocate: Picture['relocate'];
  /** Sites that must have told their offers before a request may be called impossible. */
  readonly remotes: readonly string[];
};

/** Jobs that came or went since the last pass, newest first: a list that grows at its head. */
type News = {
  readonly id: string;
  readonly waits: Body<'scheduler.job'>['waits'];
  readonly before: News;
} | null;

/**
 * A picture of what waits and what is free. It is rebuilt from the records after a start, and may
 * be wrong: the clusters decide, so that it is never unsafe.
 */
export type Scheduler = SchedulerArgs & {
  readonly phase: 'on';
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly news: News;
  readonly proposed: ReadonlyMap<string, { readonly attempt: number; readonly at: Millis }>;
  readonly clusters: ReadonlyMap<string, ClusterNews>;
  readonly sites: ReadonlyMap<string, SiteNews>;
  readonly reasons: Readonly<Record<string, string>>;
  /** When the next pass is due; infinite while none is. */
  readonly passAt: Millis;
};

export type SchedulerHears =
  | 'scheduler.job'
  | 'scheduler.cluster'
  | 'scheduler.site'
  | 'scheduler.why'
  | 'scheduler.check';
export type SchedulerEvent = { readonly is: 'pass'; readonly at: Millis };
export type SchedulerTasks = {
  /** A page of the jobs that wait, from the index of the records. */
  load: readonly [
    { readonly after: string },
    { readonly jobs: readonly Waiting[]; readonly next: string },
  ];
};
type SchedulerEffect = Effect<SchedulerEvent, SchedulerTasks>;
type SchedulerStep = Step<Scheduler, SchedulerEvent, SchedulerTasks>;

export const scheduler: Behaviour<
  SchedulerArgs,
  Scheduler,
  SchedulerHears,
  SchedulerEvent,
  SchedulerTasks
> = {
  init: (args) => ({
    ...args,
    phase: 'on',
    waiting: new Map(),
    news: null,
    proposed: new Map(),
    clusters: new Map(),
    sites: new Map(),
    reasons: {},
    passAt: NEVER,
  }),
  enter: () => [{ do: 'run', task: 'load', input: { after: '' } }],
  on(state, event, now) {
    switch (event.is) {
      case 'told':
        return told(state, event, now);
      case 'pass':
        // One that was overtaken by an earlier one has nothing left to do.
        return event.at === state.passAt ? pass(state, now) : [state, []];
      case 'done':
        return loaded(state, event.value, now);
      default:
        return [state, []];
    }
  },
};

const NEVER = Number.POSITIVE_INFINITY;

/** A pass soon, together with whatever else happens meanwhile. */
function soon(state: Scheduler, now: Millis, ms: Millis = limits.passMs): SchedulerStep {
  const at = now + ms;
  if (state.passAt <= at) return [state, []];
  return [{ ...state, passAt: at }, [{ do: 'after', ms, event: { is: 'pass', at } }]];
}

function told(
  state: Scheduler,
  event: Heard<SchedulerHears, SchedulerEvent, SchedulerTasks> & { is: 'told' },
  now: Millis,
): SchedulerStep {
  const { message: m, ask } = event;
  switch (m.name) {
    case 'scheduler.job': {
      const { id, waits } = m.body as Body<'scheduler.job'>;
      return soon({ ...state, news: { id, waits, before: state.news } }, now);
    }
    case 'scheduler.cluster': {
      const news = m.body as ClusterNews;
      const clusters = new Map(state.clusters);
      if (news.open || news.made !== null) clusters.set(news.cluster, news);
      else clusters.delete(news.cluster);
      return soon({ ...state, clusters }, now);
    }
    case 'scheduler.site': {
      const site = m.body as SiteNews;
      return soon({ ...state, sites: new Map(state.sites).set(site.remote, site) }, now);
    }
    case 'scheduler.check': {
      const known = state.remotes.every((remote) => state.sites.has(remote));
      const { spec } = m.body as Body<'scheduler.check'>;
      const impossible = known ? neverFits(picture(state), spec) : '';
      return [state, [{ do: 'reply', ask, body: { impossible } }]];
    }
    case 'scheduler.why':
      return [state, [{ do: 'reply', ask, body: { reasons: why(state, m.body) } }]];
  }
}

const why = (state: Scheduler, body: object): Record<string, string> =>
  Object.fromEntries(
    (body as Body<'scheduler.why'>).ids
      .filter((id) => state.reasons[id] !== undefined)
      .map((id) => [id, state.reasons[id] ?? '']),
  );

function loaded(state: Scheduler, page: SchedulerTasks['load'][1], now: Millis): SchedulerStep {
  const waiting = new Map(state.waiting);
  // What was heard meanwhile is newer than what was read.
  for (const job of page.jobs) if (!waiting.has(job.id)) waiting.set(job.id, job);
  const [next, effects] = soon({ ...state, waiting }, now);
  const more: SchedulerEffect[] =
    page.next === '' ? [] : [{ do: 'run', task: 'load', input: { after: page.next } }];
  return [next, [...effects, ...more]];
}

function picture(state: Scheduler): Omit<Picture, 'waiting'> {
  const clusters = [...state.clusters.values()];
  const nodes = clusters
    .filter((c) => c.open)
    .flatMap((c) => c.nodes.map((n) => ({ ...n, cluster: c.cluster })));
  const sites = [...state.sites.values()].map((site) => {
    const made = clusters.flatMap((c) => (c.made?.remote === site.remote ? [c.made] : []));
    const cpusOf = (flavor: string): number =>
      site.flavors.find((f) => f.name === flavor)?.resources.cpus ?? 0;
    const cpus = made.reduce((sum, m) => sum + m.nodes * cpusOf(m.flavor), 0);
    return { ...site, clusters: made.length, cpus };
  });
  return { nodes, sites, relocate: state.relocate };
}

function pass(state: Scheduler, now: Millis): SchedulerStep {
  const waiting = caughtUp(state);
  const fresh = [...state.proposed].filter(
    ([id, p]) => waiting.get(id)?.attempt === p.attempt && now - p.at < limits.proposalMs,
  );
  const proposed = new Map(fresh);
  const open = [...waiting.values()].filter((job) => !proposed.has(job.id));
  const { proposals, reasons, impossible } = fit({ ...picture(state), waiting: open }, now);
  for (const { id, attempt } of proposals) proposed.set(id, { attempt, at: now });
  const next: Scheduler = {
    ...state,
    waiting,
    news: null,
    proposed,
    reasons: { ...reasons, ...impossible },
    passAt: NEVER,
  };
  const wake = nextWake(waiting, proposed, now);
  const [after, timer] = wake === undefined ? [next, []] : soon(next, now, wake);
  return [after, [...proposals.map(propose), ...timer]];
}

const propose = ({ id, attempt, placement }: Proposal): SchedulerEffect => ({
  do: 'tell',
  to: control(`/jobs/${id}`),
  message: message('job.place', { id, attempt, placement }),
});

function caughtUp({ waiting: before, news }: Scheduler): ReadonlyMap<string, Waiting> {
  if (news === null) return before;
  const waiting = new Map(before);
  const inOrder: NonNullable<News>[] = [];
  for (let n: News = news; n !== null; n = n.before) inOrder.push(n);
  for (const { id, waits } of inOrder.toReversed())
    if (waits === null) waiting.delete(id);
    else waiting.set(id, { id, ...waits });
  return waiting;
}

/** When something changes by itself: a job may be tried again, or a proposal was not heard. */
function nextWake(
  waiting: ReadonlyMap<string, Waiting>,
  proposed: Scheduler['proposed'],
  now: Millis,
): Millis | undefined {
  let at = Number.POSITIVE_INFINITY;
  for (const job of waiting.values()) if (job.notBefore > now) at = Math.min(at, job.notBefore);
  for (const { at: since } of proposed.values()) at = Math.min(at, since + limits.proposalMs);
  return at === Number.POSITIVE_INFINITY ? undefined : at - now + 1;
}
