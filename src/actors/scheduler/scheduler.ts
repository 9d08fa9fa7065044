import { failure } from '../../protocol/errors.ts';
import { type Body, message } from '../../protocol/messages.ts';
import type { Policy } from '../../protocol/policy.ts';
import { policyFlaws } from '../../protocol/policy-flaws.ts';
import { control } from '../../protocol/ref.ts';
import type { FlavorPast } from '../../protocol/repute-shapes.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { check, why } from './answers.ts';
import { type Asked, type Foresight, wondered } from './foresee.ts';
import { withCluster, withClusters, withPolicy, withUsage } from './heard.ts';
import type { Proposed } from './land.ts';
import type { Preempted } from './leaving.ts';
import type { InLine, Lines } from './lines.ts';
import type { Free, Planned } from './pass.ts';
import { NEVER, pass, soon } from './passing.ts';
import type { Waiting } from './place.ts';
import type { Reason } from './reason.ts';
import type { Usage } from './share.ts';
import { emptyShelf, type Shelf } from './shelf.ts';

export type ClusterNews = Body<'scheduler.cluster'>;
export type SiteNews = Body<'scheduler.site'>;

export type SchedulerArgs = {
  readonly relocate: Free['relocate'];
  /** Which job goes first, and where. */
  readonly policy: Policy;
  /** Sites that must have told their offers before a request may be called impossible. */
  readonly remotes: readonly string[];
};

/** Jobs that came or went since the last pass, newest first: a list that grows at its head. */
export type News = {
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
  /** By site: how it went there before. */
  readonly reputes: ReadonlyMap<string, readonly FlavorPast[]>;
  /** By line: why the last pass had no place for the first of it. */
  readonly refused: ReadonlyMap<string, readonly Reason[]>;
  /** What the clusters had at the last pass: what differs since is what there is to look at. */
  readonly passed: ReadonlyMap<string, ClusterNews>;
  /** Starts to come for which the last pass keeps room. */
  readonly plan: readonly Planned[];
  /** Who was asked to make room, until they have or must be asked again. */
  readonly preempted: readonly Preempted[];
  /** What accounts have used with what they hold no more. */
  readonly usage: Usage;
  /** What the last pass failed with; '': it did not. */
  readonly fault: string;
  /** Questions about what is to come that are worked on. */
  readonly foresees: number;
  /** When the next pass is due; infinite while none is. */
  readonly passAt: Millis;
};

export type SchedulerHears =
  | 'scheduler.job'
  | 'scheduler.cluster'
  | 'scheduler.site'
  | 'scheduler.why'
  | 'scheduler.check'
  | 'scheduler.foresee'
  | 'scheduler.policy'
  | 'scheduler.offers'
  | 'scheduler.repute';
export type SchedulerEvent =
  | { readonly is: 'pass'; readonly at: Millis }
  | { readonly is: 'load'; readonly after: string }
  | ({ readonly is: 'usage' } & UsagePage);
/** Jobs that have ended between two instants, those behind a key of the index. */
export type UsagePage = {
  readonly since: Millis;
  readonly until: Millis;
  readonly after: string;
};
/** What a job used that has ended. */
export type Ended = { readonly account: string; readonly amount: number; readonly at: Millis };

/** A claim that is on its way. */
export type Claim = Omit<Proposed, 'at'> & { readonly id: string };

export type SchedulerTasks = {
  /** What jobs used that have ended and are kept. */
  usage: readonly [
    UsagePage,
    { readonly ended: readonly Ended[]; readonly next: UsagePage | null },
  ];
  foresee: readonly [Asked, Foresight];
  /** A page of the jobs that wait, from the index of the records. */
  load: readonly [
    { readonly after: string },
    { readonly jobs: readonly Waiting[]; readonly next: string },
  ];
  /** From the records: what clusters have, what is being claimed of them, and sites' reputes. */
  clusters: readonly [
    null,
    {
      readonly clusters: readonly ClusterNews[];
      readonly claims: readonly Claim[];
      readonly reputes: readonly Body<'scheduler.repute'>[];
    },
  ];
};
export type SchedulerEffect = Effect<SchedulerEvent, SchedulerTasks>;
export type SchedulerStep = Step<Scheduler, SchedulerEvent, SchedulerTasks>;

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
    checked: new Map(),
    clusters: new Map(),
    sites: new Map(),
    reputes: new Map(),
    refused: new Map(),
    plan: [],
    passed: new Map(),
    preempted: [],
    usage: new Map(),
    fault: '',
    foresees: 0,
    passAt: NEVER,
  }),
  // Those who told a former life what they have do not tell it again by themselves.
  enter: ({ remotes, policy }, now) => [
    { do: 'run', task: 'clusters', input: null },
    { do: 'run', task: 'load', input: { after: '' } },
    ...readUsage(policy, now),
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
      case 'usage':
        return [state, [{ do: 'run', task: 'usage', input: event }]];
      case 'done':
        return taskDone(state, event, now);
      case 'failed': {
        if (event.task !== 'foresee') return [state, []];
        const { key, failure: why } = event;
        return answered(state, { do: 'refuse', ask: Number(key), failure: why });
      }
      default:
        return [state, []];
    }
  },
};

function told(state: Scheduler, event: Told<SchedulerHears>, now: Millis): SchedulerStep {
  const { message: m, ask } = event;
  switch (m.name) {
    case 'scheduler.job': {
      const { id, waits } = m.body as Body<'scheduler.job'>;
      return soon({ ...state, news: { id, waits, before: state.news } }, now);
    }
    case 'scheduler.cluster':
      return soon(withCluster(state, m.body as ClusterNews, now), now);
    case 'scheduler.site': {
      const site = m.body as SiteNews;
      const sites = new Map(state.sites).set(site.remote, site);
      return soon({ ...state, checked: new Map(), sites }, now);
    }
    case 'scheduler.repute': {
      const { remote, flavors } = m.body as Body<'scheduler.repute'>;
      return soon({ ...state, reputes: new Map(state.reputes).set(remote, flavors) }, now);
    }
    case 'scheduler.check': {
      const [next, body] = check(state, m.body as Body<'scheduler.check'>);
      return [next, [{ do: 'reply', ask, body }]];
    }
    case 'scheduler.foresee':
      return wondered(state, m.body as Body<'scheduler.foresee'>, ask, now);
    case 'scheduler.policy': {
      const { policy } = m.body as Body<'scheduler.policy'>;
      const [flaw] = policyFlaws(policy);
      if (flaw !== undefined) {
        const why = failure('malformed', `${flaw.key.join('.')}: ${flaw.text}`);
        return [state, [{ do: 'refuse', ask, failure: why }]];
      }
      const [next, effects] = soon(withPolicy(state, policy), now);
      const isNew = state.policy.fairShare.weight === 0;
      const more = isNew ? readUsage(policy, now) : [];
      return [next, [{ do: 'reply', ask, body: {} }, ...effects, ...more]];
    }
    case 'scheduler.offers': {
      const sites = [...state.sites.values()];
      const flavors = sites.flatMap((site) => site.flavors);
      const images = sites.flatMap((site) => site.images);
      return [state, [{ do: 'reply', ask, body: { flavors, images } }]];
    }
    case 'scheduler.why': {
      const reasons = why(state, (m.body as Body<'scheduler.why'>).ids);
      return [state, [{ do: 'reply', ask, body: { reasons } }]];
    }
  }
}

/** Of so many half-lives ago hardly anything counts any more. */
const HALF_LIVES = 5;

/** Where accounts share, what they used before is read of the jobs that are kept. */
const readUsage = (
  { fairShare: { weight, halfLifeMs } }: Policy,
  now: Millis,
): readonly SchedulerEffect[] => {
  const since = Math.max(0, now - HALF_LIVES * halfLifeMs);
  const input = { since, until: now, after: '' };
  return weight === 0 ? [] : [{ do: 'run', task: 'usage', input }];
};

function taskDone(state: Scheduler, event: Done, now: Millis): SchedulerStep {
  switch (event.task) {
    case 'load':
      return loaded(state, event.value, now);
    case 'clusters':
      return soon(withClusters(state, event.value, now), now);
    case 'usage': {
      const { ended, next } = event.value;
      const more: SchedulerEffect[] =
        next === null ? [] : [{ do: 'after', ms: 0, event: { is: 'usage', ...next } }];
      return [withUsage(state, ended), more];
    }
    case 'foresee':
      return answered(state, { do: 'reply', ask: Number(event.key), body: event.value });
  }
}

const answered = (state: Scheduler, answer: SchedulerEffect): SchedulerStep => [
  { ...state, foresees: state.foresees - 1 },
  [answer],
];
type Done = Extract<Parameters<(typeof scheduler)['on']>[1], { readonly is: 'done' }>;

function loaded(state: Scheduler, page: SchedulerTasks['load'][1], now: Millis): SchedulerStep {
  const [next, effects] = soon({ ...state, read: [...state.read, ...page.jobs] }, now);
  const more: SchedulerEffect[] =
    page.next === '' ? [] : [{ do: 'after', ms: 0, event: { is: 'load', after: page.next } }];
  return [next, [...effects, ...more]];
}
