import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { covers } from '../amounts.ts';
import { isCharged } from './charge.ts';
import {
  type Cluster,
  type ClusterEffect,
  type ClusterStep,
  expect,
  free,
  type Hold,
  isOpen,
  once,
  portsOf,
  release,
  to,
} from './cluster.ts';
import { isKept, keep, mayBeKept, refusedKept } from './keep.ts';
import { newsTo, toScheduler } from './news.ts';

type Claim = Body<'cluster.claim'>;
type Attempt = { readonly job: string; readonly attempt: number };

const isOf =
  ({ job, attempt }: Attempt) =>
  (other: Attempt): boolean =>
    other.job === job && other.attempt === attempt;

/** Saves a hold, or says plainly why not. The same claim again is told how things are. */
export function claim(before: Cluster, body: Claim, ask: number, now: Millis): ClusterStep {
  const reply: ClusterEffect = { do: 'reply', ask, body: {} };
  const held = before.holds.find(isOf(body));
  if (held !== undefined) return [before, [reply, newsTo(before, held, held.nodes)]];
  const state = withoutOlder(before, body, now);
  const why = refusal(state, body, now);
  const { placement } = body;
  if (why !== null) {
    // A new one of that name is wanted, and what is kept is in its way.
    const isInTheWay = placement.made !== null && placement.warm === undefined && isKept(state);
    return [isInTheWay ? release(state, now) : state, [{ do: 'refuse', ask, failure: why }]];
  }
  const hold = holdOf(body, now);
  if (placement.warm !== undefined) {
    const keepMs = placement.keepMs ?? 0;
    const next = once(state, { holds: [hold], job: body.job, keepMs, keptUntil: 0, tries: 0 });
    return [next, [reply, toScheduler(next, hold)]];
  }
  if (placement.made !== null) return [begun(state, body, hold, now), [reply]];
  const next = { ...state, holds: [...state.holds, hold] };
  return [next, [reply, newsTo(next, hold, hold.nodes), toScheduler(next, hold)]];
}

function holdOf({ job, attempt, placement, tenure }: Claim, now: Millis): Hold {
  const { resources, ports, nodes, exclusive } = placement;
  const whose = tenure && { since: now, tenure };
  return { job, attempt, resources, ports, nodes, ...(exclusive && { exclusive }), ...whose };
}

/** A job that is at its next attempt says by it that those before are over, whatever we heard. */
function withoutOlder(state: Cluster, { job, attempt }: Attempt, now: Millis): Cluster {
  const isOlder = (hold: Hold): boolean => hold.job === job && hold.attempt < attempt;
  if (!state.holds.some(isOlder)) return state;
  const holds = state.holds.filter((hold) => !isOlder(hold));
  const next = { ...state, holds };
  const isFree = state.made !== null && holds.length === 0;
  return isFree && isThere(state) ? release(next, now) : next;
}

const isThere = ({ phase }: Cluster): boolean => phase !== 'releasing' && phase !== 'gone';

/** The first life of a name, or the next: of the one before, which is gone, nothing is left. */
const begun = (
  state: Cluster,
  { owner, account = '', job, placement }: Claim,
  hold: Hold,
  now: Millis,
): Cluster =>
  to(state, 'creating', now, {
    life: state.life + 1,
    owner,
    account,
    keepMs: placement.keepMs ?? 0,
    keptUntil: 0,
    charged: isCharged(account),
    job,
    made: placement.made,
    externalId: '',
    members: placement.nodes.map((name) => expect(name, now)),
    holds: [hold],
    left: [],
    hashes: null,
    expected: [],
    failure: null,
    detail: 'Initiate a new partition',
    createdAt: now,
    erased: false,
    evicted: null,
  });

function refusal(state: Cluster, body: Claim, now: Millis): Failure | null {
  const { job, placement } = body;
  const { name, made } = state;
  if (placement.warm !== undefined) return refusedKept(state, body);
  if (placement.made !== null) {
    if (state.phase === 'gone' && !state.charged) return null;
    const text = `cluster ${name} of another attempt is not gone yet`;
    return state.job === job || state.job === '' || state.phase === 'releasing'
      ? failure('releasing', text)
      : failure('refused', `the name ${name} is taken by job ${state.job}`);
  }
  if (made !== null || state.phase === 'gone')
    return failure('refused', `cluster ${name} was made for job ${state.job}`);
  for (const node of placement.nodes) {
    const member = state.members.find((m) => m.name === node);
    // As a rule it only looks for the head that leads now: no attempt is spent on that.
    if (member?.phase === 'silent' && now - member.since < limits.claimPatienceMs)
      return failure('busy', `node ${node} is silent, and may be back at once`);
    if (member?.phase !== 'up') return failure('full', `node ${node} is not up`);
    if (state.evicted?.includes(node)) return failure('full', `the site takes node ${node} back`);
    if (!isOpen(state, member)) return failure('full', `node ${node} is drained`);
    const wanted = placement.exclusive ? member.resources : placement.resources;
    if (!covers(free(state, member), wanted))
      return failure('full', `node ${node} has not enough free`);
    const busy = portsOf(state, member).find((port) => placement.ports.includes(port));
    if (busy !== undefined)
      return failure('full', `port ${busy} of node ${node} is used by another job`);
  }
  return null;
}

/** Ends a hold. `gone` is true once nothing of what it stood for is left. */
export function unclaim(
  state: Cluster,
  { job, attempt, keep: mayStay = false }: Body<'cluster.unclaim'>,
  ask: number,
  now: Millis,
): ClusterStep {
  const mine = isOf({ job, attempt });
  const isHeld = state.holds.some(mine);
  const holds = isHeld ? state.holds.filter((hold) => !mine(hold)) : state.holds;
  const answer = (gone: boolean): ClusterEffect => ({ do: 'reply', ask, body: { gone } });
  if (state.made === null) {
    if (!isHeld) return [state, [answer(true)]];
    const next = withoutGone({ ...state, holds });
    return [next, [answer(true), toScheduler(next)]];
  }
  if (state.phase === 'gone') return [isHeld ? { ...state, holds } : state, [answer(true)]];
  const waits = state.left.some(mine);
  if (isHeld && holds.length === 0 && mayStay && mayBeKept(state))
    return [keep(state, now), [answer(true)]];
  // Another job's cluster, that only bears the name, or one that is kept: nothing of it is ours.
  if (!isHeld && !waits && isKept(state)) return [state, [answer(true)]];
  if (!isHeld && !waits && state.job !== job) return [state, [answer(true)]];
  const left = waits ? state.left : [...state.left, { job, attempt }];
  const next = isHeld || !waits ? { ...state, holds, left } : state;
  if (holds.length > 0 || !isThere(state)) return [next, [answer(false)]];
  return [release(next, now), [answer(false)]];
}

/** A given node that is gone is no member any more, once nobody holds it. */
export const withoutGone = (state: Cluster): Cluster => {
  const isKept = ({ name, phase }: Cluster['members'][number]): boolean =>
    phase !== 'gone' || state.holds.some((hold) => hold.nodes.includes(name));
  return state.members.every(isKept) ? state : { ...state, members: state.members.filter(isKept) };
};
