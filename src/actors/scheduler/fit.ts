import { limits } from '../../protocol/limits.ts';
import type { Spec } from '../../protocol/model.ts';
import { defaultPolicy, type Policy } from '../../protocol/policy.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Gangs, gangOf, gangsOf, keepRoomOfGang, placeGang } from './gang.ts';
import { keepRoom, withAble } from './keep.ts';
import { type Held, type Land, landOf } from './land.ts';
import type { Preempted } from './leaving.ts';
import { type InLine, keyed, type Line, type Lines, pruned, queued } from './lines.ts';
import { headOf, isNext, putBack, type Ranked, rankOf, sorted } from './order.ts';
import { begun, type Free, type Pass, type Planned, type Proposal, place } from './pass.ts';
import type { Site, Waiting } from './place.ts';
import { preempt } from './preempt.ts';
import { inWords, isNever, type Reason } from './reason.ts';
import type { Usage } from './share.ts';
import type { FreeNode } from './spot.ts';
import type { Warm } from './warm.ts';

/** What a pass comes to. */
export type Passed = {
  readonly proposals: readonly Proposal[];
  /** Starts to come of those for whom room is kept. */
  readonly plan: readonly Planned[];
  /** Who is to make room, since this pass or an earlier one. */
  readonly preempted: readonly Preempted[];
  /** The lines without those that were proposed a place. */
  readonly lines: Lines;
  /** By line: why the first of it waits on, and so all behind it. */
  readonly refused: ReadonlyMap<string, readonly Reason[]>;
};

/** What `fit` looks at: nothing else decides. */
export type Picture = {
  readonly waiting: readonly Waiting[];
  readonly nodes: readonly FreeNode[];
  readonly sites: readonly Site[];
  readonly warm: readonly Warm[];
  readonly relocate: Free['relocate'];
  readonly policy?: Policy;
  readonly holds?: readonly Held[];
  readonly usage?: Usage;
  readonly preempted?: readonly Preempted[];
};

export type Fit = {
  readonly place: readonly Proposal[];
  readonly plan: readonly Planned[];
  readonly preempted: readonly Preempted[];
  /** For each job that waits on: why. */
  readonly reasons: ReadonlyMap<string, readonly Reason[]>;
};

/**
 * Proposes places to those who wait in line: highest rank first, then first come, first served. A
 * line whose first was refused is done with: the cost follows how many are placed, and how many
 * lines there are. A proposal is no promise: the cluster that it names decides.
 */
export function passOver(
  lines: Lines,
  isWaiting: (job: InLine) => boolean,
  free: Free,
  now: Millis,
): Passed {
  const pass = begun(free, now);
  const gangs = gangsOf(lines, isWaiting);
  const served = new Set<string>();
  const waits = (job: InLine): boolean => isWaiting(job) && !served.has(job.id);
  const refused = new Map<string, readonly Reason[]>();
  const left = new Map<string, Line>();
  /** Lines whose first rather waits for nodes, as they were. */
  const waited = new Map<string, Line>();
  const open = sorted([...lines.values()].flatMap((line) => ranked(pass, line, waits)));
  for (let last = open.pop(); last !== undefined; last = open.pop()) {
    // Those whose first was not served are as they were, but where that changes a rank.
    const isSame = !served.has(headOf(last.line).id) && pass.policy.fairShare.weight === 0;
    const [next] = isSame ? [last] : ranked(pass, last.line, waits);
    if (next === undefined) continue;
    if (!isNext(open, next)) {
      putBack(open, next);
      continue;
    }
    const job = headOf(next.line);
    const reasons = serve(pass, job, gangs, refused);
    if (reasons.length === 0) {
      for (const { id } of gangs.get(gangOf(job)) ?? [job]) served.add(id);
      putBack(open, next);
      continue;
    }
    if (!waited.has(job.key)) refused.set(job.key, reasons);
    if (pass.rather.has(job.id)) {
      // It has room kept; those behind it would start later, and may do better elsewhere.
      if (!waited.has(job.key)) waited.set(job.key, next.line);
      served.add(job.id);
      putBack(open, next);
      continue;
    }
    left.set(job.key, next.line);
    if (pass.policy.backfill === 'conservative') keepAll(pass, next.line, waits);
  }
  const { proposals, plan, preempted } = pass;
  return { proposals, plan, preempted, lines: new Map([...left, ...waited]), refused };
}

const ranked = (pass: Pass, line: Line, waits: (job: InLine) => boolean): readonly Ranked[] => {
  const rest = pruned(line, waits);
  return rest === undefined ? [] : [{ line: rest, rank: rankOf(headOf(rest), pass) }];
};

type Refused = Map<string, readonly Reason[]>;

/** Places a job, or its whole gang; else says why not, and perhaps keeps room for it. */
function serve(pass: Pass, job: InLine, gangs: Gangs, refused: Refused): readonly Reason[] {
  const gang = gangs.get(gangOf(job));
  if (gang === undefined) {
    const reasons = place(pass, job);
    return reasons.length === 0 ? reasons : blocked(pass, reasons, job, () => keepRoom(pass, job));
  }
  // Its other lines were refused with it, or have yet to come to the same.
  const known = gang.map(({ key }) => refused.get(key)).find((reasons) => reasons !== undefined);
  if (known !== undefined) return known;
  const reasons = placeGang(pass, gang);
  return reasons.length === 0
    ? reasons
    : blocked(pass, reasons, job, () => keepRoomOfGang(pass, gang));
}

/** Has others make room for one that has none, or keeps some for it, as its policy wants it. */
function blocked(
  pass: Pass,
  reasons: readonly Reason[],
  job: InLine,
  keep: () => Millis | undefined,
): readonly Reason[] {
  const [lacks, ...others] = reasons;
  if (lacks?.is !== 'room') return reasons;
  const isRather = pass.rather.has(job.id);
  const cleared = isRather ? undefined : preempt(pass, job);
  if (cleared !== undefined) return [{ ...lacks, at: cleared, preempts: true }, ...others];
  const { backfill, reserve } = pass.policy;
  const most = backfill === 'conservative' ? limits.reserveMax : reserve;
  // What others leave for it is for nobody else.
  const isAwaited = pass.preempted.some((each) => each.for === job.id);
  const kept = pass.plan.filter(({ id }) => !pass.rather.has(id)).length;
  const isKept = isAwaited || (backfill !== 'off' && (isRather || kept < most));
  if (!isKept && backfill === 'easy') return reasons;
  const at = keep();
  // Of one for which nobody knows a start nothing is kept, and nothing is kept from it.
  if (at === undefined) return reasons;
  if (!isKept) pass.barrier = job.id;
  return [{ ...lacks, at }, ...others];
}

/** All in a line have room kept for them, one after the other, before others are looked at. */
function keepAll(pass: Pass, line: Line, waits: (job: InLine) => boolean): void {
  if (pass.plan.at(-1)?.id !== headOf(line).id) return;
  for (const job of line.jobs.slice(line.from + 1)) {
    if (pass.plan.length >= limits.reserveMax) {
      pass.barrier ??= job.id;
      return;
    }
    if (waits(job) && keepRoom(pass, job) === undefined) return;
  }
}

/** One pass over jobs in no order, with all that is to be said of each. */
export function fit({ waiting, ...picture }: Picture, now: Millis): Fit {
  const free = freeOf(picture);
  const lines = keyed(free.policy);
  const ready = waiting.filter(({ notBefore }) => notBefore <= now).map(lines);
  const passed = passOver(queued(new Map(), ready), () => true, free, now);
  const reasons = new Map<string, readonly Reason[]>();
  for (const { id, notBefore } of waiting)
    if (notBefore > now) reasons.set(id, [{ is: 'rests', until: notBefore }]);
  const placed = new Set(passed.proposals.map(({ id }) => id));
  const counted = new Map<string, readonly Reason[]>();
  for (const job of ready) {
    const found = passed.refused.get(job.key);
    if (found === undefined || placed.has(job.id)) continue;
    const full = counted.get(job.key) ?? withAble(found, free, job);
    counted.set(job.key, full);
    reasons.set(job.id, full);
  }
  const { proposals, plan, preempted } = passed;
  return { place: proposals, plan, preempted, reasons };
}

/** A picture as a pass begins with it. */
function freeOf(picture: Omit<Picture, 'waiting'>): Free {
  const { nodes, sites, warm, relocate, policy = defaultPolicy, holds = [] } = picture;
  const { usage = new Map(), preempted = [] } = picture;
  const clusters = Map.groupBy(nodes, ({ cluster }) => cluster);
  const lands = [...clusters].map(([cluster, there]): Land => landOf(cluster, there, holds));
  const proposed = new Map();
  return { policy, lands, sites, warm, relocate, holds: [holds], proposed, usage, preempted };
}

/** Why nothing here could ever run a job, or '' if something could. */
export function neverFits(picture: Omit<Picture, 'waiting'>, spec: Spec, owner?: string): string {
  const nodes = picture.nodes.map((node) => ({ ...node, up: true, free: node.total, ports: [] }));
  const job = { id: '', attempt: 1, submittedAt: 0, notBefore: 0, spec, owner };
  // What is booked for a time, or held by somebody, is not so for ever.
  const { policy = defaultPolicy } = picture;
  const empty = { nodes, holds: [], policy: { ...policy, reservations: [] } };
  const reasons = fit({ ...picture, ...empty, waiting: [job] }, 0).reasons.get('') ?? [];
  return reasons.length > 0 && reasons.every(isNever) ? inWords(reasons) : '';
}
