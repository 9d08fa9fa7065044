import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Placement } from '../../protocol/model.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { neverFits, type Proposal, passOver, type Refusal, triesAgain } from './fit.ts';
import { withCluster, withClusters } from './heard.ts';
import { type InLine, type Lines, queued, withKind } from './lines.ts';
import { picture } from './picture.ts';
import { kindOf, type Picture, type Waiting } from './place.ts';
import { emptyShelf, put, type Shelf, taken } from './shelf.ts';

export type ClusterNews = Body<'scheduler.cluster'>;
export type SiteNews = Body<'scheduler.site'>;

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

/** A place that was proposed: it is taken off what is free until its cluster counts it itself. */
export type Proposed = {
  readonly attempt: number;
  readonly at: Millis;
  readonly placement: Placement;
};

/**
 * A picture of what waits and what is free. It is rebuilt from the records after a start, and may
 * be wrong: the clusters decide, so that it is never unsafe.
 */
export type Scheduler = SchedulerArgs & {
  readonly phase: 'on';
  /** All that wait, as of the last pass. */
  readonly waiting: Shelf;
  /** Those of them that may be placed now, and were not proposed a place. */
  readonly lines: Lines;
  /** Those that are not to be tried before a time to come. */
  readonly resting: ReadonlyMap<string, InLine>;
  readonly news: News;
  /** What was read of the records since the last pass. */
  readonly read: readonly Waiting[];
  readonly proposed: ReadonlyMap<string, Proposed>;
  /** By kind: why nothing here could ever run it, or ''; until what there is changes. */
  readonly checked: ReadonlyMap<string, string>;
  readonly clusters: ReadonlyMap<string, ClusterNews>;
  readonly sites: ReadonlyMap<string, SiteNews>;
  /** By kind: why the last pass had no place for it. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** When the next pass is due; infinite while none is. */
  readonly passAt: Millis;
};

export type SchedulerHears =
  | 'scheduler.job'
  | 'scheduler.cluster'
  | 'scheduler.site'
  | 'scheduler.why'
  | 'scheduler.check'
  | 'scheduler.offers';
export type SchedulerEvent =
  | { readonly is: 'pass'; readonly at: Millis }
  | { readonly is: 'load'; readonly after: string };
export type SchedulerTasks = {
  /** A page of the jobs that wait, from the index of the records. */
  load: readonly [
    { readonly after: string },
    { readonly jobs: readonly Waiting[]; readonly next: string },
  ];
  /** From the records: what the clusters have, and what is being claimed of them. */
  clusters: readonly [
    null,
    { readonly clusters: readonly ClusterNews[]; readonly claims: readonly Proposal[] },
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
    waiting: emptyShelf,
    lines: new Map(),
    resting: new Map(),
    news: null,
    read: [],
    proposed: new Map(),
    checked: NOTHING,
    clusters: new Map(),
    sites: new Map(),
    refused: new Map(),
    passAt: NEVER,
  }),
  // Those who told a former life what they have do not tell it again by themselves.
  enter: ({ remotes }) => [
    { do: 'run', task: 'clusters', input: null },
    { do: 'run', task: 'load', input: { after: '' } },
    ...remotes.map(
      (remote): SchedulerEffect => ({
        do: 'tell',
        to: control(`/gate-${remote}`),
        message: message('gate.offer', { remote }),
      }),
    ),
  ],
  on(state, event, now) {
    switch (event.is) {
      case 'told':
        return told(state, event, now);
      case 'pass':
        // One that was overtaken by an earlier one has nothing left to do.
        return event.at === state.passAt ? pass(state, now) : [state, []];
      case 'load':
        return [state, [{ do: 'run', task: 'load', input: { after: event.after } }]];
      case 'done':
        return event.task === 'load'
          ? loaded(state, event.value, now)
          : soon(withClusters(state, event.value, now), now);
      default:
        return [state, []];
    }
  },
};

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING: ReadonlyMap<string, string> = new Map();

/** A pass soon, together with whatever else happens meanwhile. */
function soon(state: Scheduler, now: Millis, ms: Millis = limits.passMs): SchedulerStep {
  const at = now + ms;
  if (state.passAt <= at) return [state, []];
  return [{ ...state, passAt: at }, [{ do: 'after', ms, event: { is: 'pass', at } }]];
}

function told(state: Scheduler, event: Told<SchedulerHears>, now: Millis): SchedulerStep {
  const { message: m, ask } = event;
  switch (m.name) {
    case 'scheduler.job': {
      const { id, waits } = m.body as Body<'scheduler.job'>;
      return soon({ ...state, news: { id, waits, before: state.news } }, now);
    }
    case 'scheduler.cluster':
      return soon(withCluster(state, m.body as ClusterNews), now);
    case 'scheduler.site': {
      const site = m.body as SiteNews;
      const sites = new Map(state.sites).set(site.remote, site);
      return soon({ ...state, checked: NOTHING, sites }, now);
    }
    case 'scheduler.check': {
      const isKnown = state.remotes.every((remote) => state.sites.has(remote));
      const { spec } = m.body as Body<'scheduler.check'>;
      if (!isKnown) return [state, [{ do: 'reply', ask, body: { impossible: '' } }]];
      const kind = kindOf(spec);
      const impossible = state.checked.get(kind) ?? neverFits(picture(state), spec);
      const checked = state.checked.has(kind)
        ? state.checked
        : new Map(state.checked).set(kind, impossible);
      return [{ ...state, checked }, [{ do: 'reply', ask, body: { impossible } }]];
    }
    case 'scheduler.offers': {
      const sites = [...state.sites.values()];
      const flavors = sites.flatMap((site) => site.flavors);
      const images = sites.flatMap((site) => site.images);
      return [state, [{ do: 'reply', ask, body: { flavors, images } }]];
    }
    case 'scheduler.why':
      return [state, [{ do: 'reply', ask, body: { reasons: why(state, m.body) } }]];
  }
}

const why = (state: Scheduler, body: object): Record<string, string> =>
  Object.fromEntries(
    (body as Body<'scheduler.why'>).ids.flatMap((id) => {
      const text = reasonOf(state, id);
      return text === undefined ? [] : [[id, text]];
    }),
  );

function reasonOf({ waiting, resting, proposed, refused }: Scheduler, id: string) {
  const rests = resting.get(id);
  if (rests !== undefined) return triesAgain(rests.notBefore);
  const job = proposed.has(id) ? undefined : taken(waiting, id);
  return job && refused.get(job.kind)?.why;
}

function loaded(state: Scheduler, page: SchedulerTasks['load'][1], now: Millis): SchedulerStep {
  const [next, effects] = soon({ ...state, read: [...state.read, ...page.jobs] }, now);
  const more: SchedulerEffect[] =
    page.next === '' ? [] : [{ do: 'after', ms: 0, event: { is: 'load', after: page.next } }];
  return [next, [...effects, ...more]];
}

function pass(before: Scheduler, now: Millis): SchedulerStep {
  const state = caughtUp(before, now);
  const { waiting } = state;
  const proposed = new Map(state.proposed);
  const waits = (job: InLine): boolean => taken(waiting, job.id) === job && !proposed.has(job.id);
  const { proposals, lines, refused } = passOver(state.lines, waits, picture(state));
  for (const { id, attempt, placement } of proposals)
    proposed.set(id, { attempt, at: now, placement });
  const next: Scheduler = { ...state, proposed, lines, refused, passAt: NEVER };
  const wake = nextWake(next, now);
  const [after, timer] = wake === undefined ? [next, []] : soon(next, now, wake);
  return [after, [...proposals.map(propose), ...timer]];
}

const propose = ({ id, attempt, placement }: Proposal): SchedulerEffect => ({
  do: 'tell',
  to: control(`/jobs/${id}`),
  message: message('job.place', { id, attempt, placement }),
});

/** Takes in what was heard and read, and whose time has come: each stands in its line, or rests. */
function caughtUp(state: Scheduler, now: Millis): Scheduler {
  const changes = changesOf(state);
  const waiting = put(state.waiting, changes);
  const resting = new Map(state.resting);
  const ready: InLine[] = [];
  const stand = (job: InLine): void => {
    if (job.notBefore > now) resting.set(job.id, job);
    else ready.push(job);
  };
  for (const id of changes.keys()) resting.delete(id);
  for (const [id, job] of resting) {
    if (job.notBefore > now) continue;
    resting.delete(id);
    ready.push(job);
  }
  const proposed = new Map<string, Proposed>();
  for (const [id, proposal] of state.proposed) {
    const job = taken(waiting, id);
    const isOpen = now - proposal.at < limits.proposalMs;
    if (isOpen && (job?.attempt ?? proposal.attempt) === proposal.attempt)
      proposed.set(id, proposal);
    else if (job !== undefined && !changes.has(id)) stand(job);
  }
  for (const [id, job] of changes) if (job !== null && !proposed.has(id)) stand(job);
  const lines = queued(state.lines, ready);
  return { ...state, waiting, resting, proposed, lines, news: null, read: [] };
}

/** The newest word on each; what was heard is newer than what was read. */
function changesOf({ news, read, waiting }: Scheduler): ReadonlyMap<string, InLine | null> {
  const changes = new Map<string, InLine | null>();
  for (let n: News = news; n !== null; n = n.before)
    if (!changes.has(n.id)) changes.set(n.id, n.waits && withKind({ id: n.id, ...n.waits }));
  // Who came first is to be taken in first.
  const inOrder = new Map([...changes].reverse());
  for (const job of read)
    if (!inOrder.has(job.id) && taken(waiting, job.id) === undefined)
      inOrder.set(job.id, withKind(job));
  return inOrder;
}

/** When something changes by itself: a job may be tried again, or a proposal was not heard. */
function nextWake({ resting, proposed }: Scheduler, now: Millis): Millis | undefined {
  let at = NEVER;
  for (const { notBefore } of resting.values()) at = Math.min(at, notBefore);
  for (const { at: since } of proposed.values()) at = Math.min(at, since + limits.proposalMs);
  return at === NEVER ? undefined : at - now + 1;
}
