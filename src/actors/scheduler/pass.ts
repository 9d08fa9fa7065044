import { limits } from '../../protocol/limits.ts';
import type { Placement } from '../../protocol/model.ts';
import { type Policy, type Queue, queueOf } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import { least } from '../amounts.ts';
import { count, isBounded, over, type Tally, type Whose } from './bounds.ts';
import { type Held, type Land, less, type Proposed, spotOf } from './land.ts';
import { leave, type Preempted } from './leaving.ts';
import type { InLine } from './lines.ts';
import { type Market, type Offer, isRatherHere as ratherHere } from './offers.ts';
import { atSite, type OpenSite, type Site } from './place.ts';
import type { Reason } from './reason.ts';
import { earliest } from './reserve.ts';
import { type Look, look, move, type Room, roomOn, take } from './room.ts';
import { inAdvance, type Shares, sharesOf, spend, spentBy, type Usage } from './share.ts';
import type { Ask, Spot } from './spot.ts';
import { isAsked, need, portsOf } from './want.ts';
import { onWarm, type Warm } from './warm.ts';

/** What there is at the beginning of a pass. */
export type Free = {
  readonly policy: Policy;
  readonly lands: readonly Land[];
  readonly sites: readonly Site[];
  readonly warm: readonly Warm[];
  /** Whether a job that does not say `relocatable` may go to a site when no node has room. */
  readonly relocate: 'asked' | 'when-full';
  /** All that is held, by cluster, and what was proposed to whom and no cluster has counted yet. */
  readonly holds: readonly (readonly Held[])[];
  readonly proposed: ReadonlyMap<string, Proposed>;
  readonly usage: Usage;
  /** Who was asked to make room, and may be at it still. */
  readonly preempted: readonly Preempted[];
};

export type Proposal = {
  readonly id: string;
  readonly attempt: number;
  readonly placement: Placement;
};

/** Where and when a job that waits is to start, if nobody goes before it. */
export type Planned = {
  readonly id: string;
  readonly at: Millis;
  readonly cluster: string;
  readonly nodes: readonly string[];
};

/** A pass under way. All but what is written here anew is as it was at its beginning. */
export type Pass = {
  readonly policy: Policy;
  readonly now: Millis;
  readonly relocate: Free['relocate'];
  readonly shares: Omit<Shares, 'amounts'>;
  amounts: Map<string, number>;
  room: Room;
  sites: OpenSite[];
  warm: Warm[];
  /** Null where nothing is bounded. */
  tally: Map<string, ReturnType<Tally['get']> & object> | null;
  proposals: Proposal[];
  plan: Planned[];
  preempted: Preempted[];
  /** No preemptible job has a lower priority; infinite: there is none. */
  readonly lowest: number;
  /** Who might have had a cluster, and rather waits for room on nodes. */
  readonly rather: Set<string>;
  /** A job that nothing may overtake. */
  barrier: string | undefined;
};

export function begun(free: Free, now: Millis): Pass {
  const { policy, usage, proposed } = free;
  const holds = heldIn(free);
  const tally: Pass['tally'] = isBounded(policy) ? new Map() : null;
  if (tally !== null)
    for (const { nodes, resources, tenure } of holds)
      if (tenure !== undefined) count(tally, policy, tenure, { nodes: nodes.length, resources });
  const running = policy.fairShare.weight === 0 ? [] : runningOf(holds, now);
  const room = lessProposed(roomOn(free.lands, policy, now), proposed);
  for (const { id, attempt, since } of free.preempted)
    leave(room, [{ job: id, attempt }], since + policy.preemption.graceMs);
  const shares = sharesOf(usage, running, { now, policy });
  return {
    ...{ policy, now, relocate: free.relocate, tally },
    shares,
    amounts: shares.amounts,
    room,
    lowest: lowestOf(holds),
    sites: free.sites.map((site) => ({ ...site })),
    warm: [...free.warm],
    proposals: [],
    plan: [],
    preempted: [...free.preempted],
    rather: new Set(),
    barrier: undefined,
  };
}

/** All that is held, and what was proposed; nothing where nobody asks whose it is. */
function heldIn({ policy, holds, proposed }: Free): readonly Held[] {
  const isAsked =
    isBounded(policy) || policy.fairShare.weight > 0 || policy.preemption.by !== 'off';
  return isAsked ? [...holds.flat(), ...[...proposed].map(asHeld)] : [];
}

const lowestOf = (holds: readonly Held[]): number =>
  holds.reduce(
    (least, { tenure }) => (tenure?.preemptible ? Math.min(least, tenure.priority) : least),
    Number.POSITIVE_INFINITY,
  );

const asHeld = ([job, { attempt, at, placement, tenure }]: readonly [string, Proposed]): Held => {
  const { nodes, resources, ports } = placement;
  return { job, attempt, nodes, resources, ports, since: at, ...(tenure && { tenure }) };
};

/** A room from which what was proposed is taken. */
function lessProposed(room: Room, proposed: Free['proposed']): Room {
  for (const { land } of room.cells) {
    const changed = new Map<string, Spot>();
    for (const [job, proposal] of proposed) {
      if (proposal.placement.cluster !== land.cluster) continue;
      const taken = less(job, proposal);
      for (const name of proposal.placement.nodes) {
        const spot = changed.get(name) ?? spotOf(land, name);
        if (spot !== undefined) changed.set(name, taken(spot));
      }
    }
    const before = [...changed.keys()].flatMap((name) => spotOf(land, name) ?? []);
    move(room, before, (spot) => changed.get(spot.name) ?? spot);
  }
  return room;
}

const runningOf = (holds: readonly Held[], now: Millis): (readonly [string, number])[] =>
  holds.flatMap(({ nodes, resources, tenure, since = now }) => {
    if (tenure === undefined) return [];
    const ms = Math.max(now - since, inAdvance(tenure.walltimeMs));
    return [[tenure.account, spentBy({ nodes: nodes.length, resources, ms })] as const];
  });

const whoseOf = ({ owner = '', spec }: InLine): Whose => ({
  owner,
  account: spec.account,
  queue: spec.queue,
});

export function askOf({ owner = '', spec }: InLine, policy: Policy): Ask {
  const queue = queueOf(policy, spec.queue);
  return {
    want: need(spec),
    exclusive: spec.exclusive ?? false,
    ports: portsOf(spec),
    constraint: spec.constraint ?? [],
    queue,
    lastsMs: spec.walltimeMs || usualTime(queue) || Number.POSITIVE_INFINITY,
    owner,
    account: spec.account,
  };
}

/** How long jobs of a queue run that do not say it; 0: nobody knows. */
export const usualTime = (queue: Queue | undefined): Millis =>
  queue?.timeDefaultMs || queue?.timeMaxMs || 0;

/** Gives a job a place and takes it off what is free; else says why there is none. */
export function place(pass: Pass, job: InLine): readonly Reason[] {
  const refused = notAllowed(pass, job);
  if (refused !== undefined) return [refused];
  const { spec } = job;
  if (isAsked(spec)) return elsewhere(pass, job);
  if (pass.barrier !== undefined) return [{ is: 'behind', job: pass.barrier }];
  const ask = askOf(job, pass.policy);
  const found = look(pass.room, ask, spec.nodes);
  if (found.spots !== undefined) {
    onNodes(pass, job, ask, found.spots);
    return [];
  }
  const here = lacking(pass, job, ask, found);
  if (pass.relocate === 'asked' || ask.queue?.nodes || ask.queue?.labels) return [here];
  const there = elsewhere(pass, job, (offer) => isRatherHere(pass, job, ask, offer));
  if (there.length === 0) return [];
  return pass.sites.length === 0 ? [here] : [here, ...there];
}

/** What its queue does not let it do, or would be too much for somebody. */
function notAllowed({ policy, tally }: Pass, job: InLine): Reason | undefined {
  const text = notInQueue(policy, job);
  if (text !== '') return { is: 'queue', text, never: true };
  if (tally === null) return undefined;
  const { spec } = job;
  const bound = over(tally, policy, whoseOf(job), { nodes: spec.nodes, resources: need(spec) });
  return bound && { is: 'bound', ...bound };
}

/** Why a job may not be in its queue, or ''. */
export function notInQueue(
  policy: Policy,
  { owner = '', spec }: Pick<InLine, 'owner' | 'spec'>,
): string {
  if (spec.queue === '') return '';
  const queue = queueOf(policy, spec.queue);
  if (queue === undefined) {
    const names = Object.keys(policy.queues).join(', ');
    return `there is no queue ${spec.queue}${names === '' ? '' : `, only ${names}`}`;
  }
  const { users, accounts, timeMaxMs = 0 } = queue;
  const isOpen =
    (users === undefined && accounts === undefined) ||
    users?.includes(owner) === true ||
    accounts?.includes(spec.account) === true;
  if (!isOpen) return `queue ${spec.queue} is not for this user and account`;
  if (timeMaxMs === 0 || (spec.walltimeMs || usualTime(queue)) <= timeMaxMs) return '';
  return `jobs of queue ${spec.queue} may run for ${timeMaxMs / 1_000} s at most`;
}

function onNodes(pass: Pass, job: InLine, ask: Ask, spots: readonly Spot[]): void {
  const { id, attempt, spec } = job;
  const resources = ask.exclusive ? least(spots.map(({ total }) => total)) : ask.want;
  const placement: Placement = {
    cluster: spots[0]?.cluster ?? '',
    nodes: spots.map(({ name }) => name),
    made: null,
    resources,
    ports: [...ask.ports],
    ...(ask.exclusive && { exclusive: true }),
  };
  const { priority, preemptible } = spec;
  take(pass.room, spots, ask, { job: id, attempt, priority, preemptible });
  placed(pass, job, placement);
}

function elsewhere(
  pass: Pass,
  job: InLine,
  isRather?: (offer: Offer) => boolean,
): readonly Reason[] {
  const market = marketOf(pass);
  const there = onWarm(job, pass, market) ?? atSite(job, pass.sites, market, isRather);
  if (there.placement === undefined) {
    if (there.isRather) pass.rather.add(job.id);
    return [{ is: 'site', text: there.why, never: there.never }];
  }
  placed(pass, job, there.placement);
  return [];
}

export const marketOf = ({ now, policy }: Pass): Market => ({ now, clouds: policy.clouds });

/** Whether it starts here well enough, by what all that runs said of its end. */
function isRatherHere(pass: Pass, job: InLine, ask: Ask, offer: Offer): boolean {
  const { spec } = job;
  if (pass.policy.clouds.choose === 'first' && !spec.deadlineMs) return false;
  // Others of a gang may be on their way to a site; and of too many who wait nobody keeps count.
  if (spec.gang !== '' || pass.rather.size >= limits.ratherMax) return false;
  const start = earliest(pass.room, ask, { count: spec.nodes, after: pass.now });
  return start !== undefined && ratherHere(job, start.at, offer, marketOf(pass));
}

function placed(pass: Pass, job: InLine, placement: Placement): void {
  const { id, attempt, spec } = job;
  pass.proposals.push({ id, attempt, placement });
  const takes = { nodes: placement.nodes.length, resources: placement.resources };
  if (pass.tally !== null) count(pass.tally, pass.policy, whoseOf(job), takes);
  if (pass.policy.fairShare.weight > 0)
    spend(pass, spec.account, spentBy({ ...takes, ms: inAdvance(spec.walltimeMs) }));
}

type Lacking = Extract<Reason, { readonly is: 'room' }>;

function lacking({ room }: Pass, { spec }: InLine, ask: Ask, { free, port }: Look): Lacking {
  const { exclusive, constraint, want } = ask;
  return {
    is: 'room',
    ...{ nodes: spec.nodes, want, exclusive, constraint, queue: spec.queue, free },
    here: room.cells.reduce((sum, { land }) => sum + land.spots.length, 0),
    ...(port !== undefined && { port }),
  };
}
