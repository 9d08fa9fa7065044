import { limits } from '../../protocol/limits.ts';
import type { Placement } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Dice } from './dice.ts';
import { withCluster } from './heard.ts';
import { madeFor, withClaim, without } from './holds.ts';
import type { Held, Proposed } from './land.ts';
import { NEVER, pass } from './passing.ts';
import { drawn, type Past } from './past.ts';
import type { Question } from './question.ts';
import type { ClusterNews, Scheduler } from './scheduler.ts';

/** What is to come, played in virtual time by the scheduler's own passes. */

/** When a job gets its place, and which; infinite: not as far as anybody knows. */
export type Outcome = {
  readonly at: Millis;
  readonly placement?: Placement;
  /** It was looked no further than there. */
  readonly isCut?: boolean;
};

/** Something that is held, until it ends. */
type Ending = { readonly at: Millis; readonly cluster: string; readonly job: string };

/** A play under way: who has a place in it, and when they leave. */
type Play = {
  readonly past: Past;
  readonly dice: Dice;
  /** The first to end last. */
  readonly endings: Ending[];
  state: Scheduler;
  now: Millis;
};

/**
 * Plays on until a job gets its place: what runs, and what starts meanwhile, ends by the dice. It
 * gives way before each pass, and after each claim.
 */
export function* ahead(
  { state, job, now }: Question,
  {
    past,
    dice,
    passesMax,
  }: { readonly past: Past; readonly dice: Dice; readonly passesMax: number },
): Generator<undefined, Outcome> {
  const play: Play = { past, dice, endings: [], state, now };
  for (const news of state.clusters.values())
    for (const hold of news.holds ?? []) minded(play, news.cluster, hold);
  yield;
  yield* claimedAll(play, state.proposed);
  for (let passes = 0; passes < passesMax; passes++) {
    yield;
    const [next] = pass(play.state, play.now);
    play.state = next;
    const placed = next.proposed.get(job.id);
    if (placed !== undefined) return { at: play.now, placement: placed.placement };
    yield* claimedAll(play, next.proposed);
    leave(play);
    const soonest = Math.min(play.endings.at(-1)?.at ?? NEVER, wakeOf(play));
    if (soonest === NEVER) return { at: NEVER };
    play.now = Math.max(play.now, soonest);
    ended(play);
  }
  return { at: play.now, isCut: true };
}

/** Something may change though nobody ends: a reservation is over, or who rests may try again. */
const wakeOf = ({ state, now }: Play): Millis => (state.passAt > now ? state.passAt : NEVER);

function* claimedAll(play: Play, proposed: Scheduler['proposed']): Generator<undefined, void> {
  for (const [id, each] of proposed) {
    claimed(play, id, each);
    yield;
  }
}

/** A claim is made as soon as it is proposed, and the job waits no more. */
function claimed(play: Play, id: string, proposed: Proposed): void {
  const { cluster, made } = proposed.placement;
  const { state, now } = play;
  const known = state.clusters.get(cluster);
  const news = known === undefined ? made && madeFor(id, proposed) : withClaim(known, id, proposed);
  const heard = { ...state, news: { id, waits: null, before: state.news } };
  if (news === null) {
    // Its cluster has gone meanwhile: nothing comes of it.
    const open = new Map(state.proposed);
    open.delete(id);
    play.state = { ...heard, proposed: open };
    return;
  }
  play.state = withCluster(heard, news, now);
  const hold = news.holds?.at(-1);
  if (hold !== undefined) minded(play, cluster, hold);
}

/** Draws when it ends that holds something. */
function minded(play: Play, cluster: string, { job, since = play.now, tenure }: Held): void {
  const { owner = '', walltimeMs: askedMs = 0 } = tenure ?? {};
  const ranMs = Math.max(0, play.now - since);
  const at = since + drawn(play.past, { owner, askedMs, ranMs }, play.dice);
  if (at !== NEVER) note(play, { at: Math.max(at, play.now + 1), cluster, job });
}

function note({ endings }: Play, ending: Ending): void {
  let [low, high] = [0, endings.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((endings[middle]?.at ?? 0) > ending.at) low = middle + 1;
    else high = middle;
  }
  endings.splice(low, 0, ending);
}

/** Who was asked to make room has done so at the end of the time that it was given. */
function leave(play: Play): void {
  const { preempted, policy } = play.state;
  for (const { id, since } of preempted) {
    const by = since + policy.preemption.graceMs;
    const late = play.endings.findIndex(({ job, at }) => job === id && at > by);
    const [ending] = late < 0 ? [] : play.endings.splice(late, 1);
    if (ending !== undefined) note(play, { ...ending, at: Math.max(by, play.now + 1) });
  }
}

function ended(play: Play): void {
  for (let last = play.endings.at(-1); last !== undefined && last.at <= play.now; ) {
    play.endings.pop();
    const news = play.state.clusters.get(last.cluster);
    if (news !== undefined) play.state = withCluster(play.state, after(news, last.job), play.now);
    last = play.endings.at(-1);
  }
}

/** A cluster that was made for a job goes with it. */
const after = (news: ClusterNews, job: string): ClusterNews =>
  news.open ? without(news, job) : { ...without(news, job), nodes: [], made: null };

/** How many plays there are, and of how many passes each: fewer where a pass is dear. */
export function effortFor({ state }: Question): {
  readonly plays: number;
  readonly passesMax: number;
} {
  const nodes = [...state.clusters.values()].reduce((sum, news) => sum + news.nodes.length, 0);
  const passes = limits.looksAheadMax / (1 + state.lines.size + nodes);
  const isDear = passes < limits.playsMax * limits.passesAheadFew;
  const plays = isDear ? limits.playsFew : limits.playsMax;
  const each = Math.max(limits.passesAheadMin, Math.floor(passes / plays));
  return { plays, passesMax: Math.min(limits.passesAheadMax, each) };
}
