import { priceOf, rateOf } from '../actors/price.ts';
import { isBounded } from '../actors/scheduler/bounds.ts';
import { fit, passOver } from '../actors/scheduler/fit.ts';
import type { Held, Proposed } from '../actors/scheduler/land.ts';
import { type InLine, keyed, type Lines, queued } from '../actors/scheduler/lines.ts';
import { headOf } from '../actors/scheduler/order.ts';
import type { Free, Proposal } from '../actors/scheduler/pass.ts';
import { inWords } from '../actors/scheduler/reason.ts';
import { spentBy, type Usage, used } from '../actors/scheduler/share.ts';
import { tenureOf } from '../actors/tenure.ts';
import type { Placement } from '../protocol/model.ts';
import type { Policy } from '../protocol/policy.ts';
import type { Millis } from '../runtime/ports.ts';
import { type Calendar, calendarOf } from './calendar.ts';
import { claim, type Ground, giveBack, groundOf, withFree } from './ground.ts';
import { type Machine, type Making, nodesOf, sitesOf, specOf } from './machine.ts';
import type { Past, Trace } from './trace.ts';

/** What became of a job of a trace. */
export type Outcome = {
  readonly job: Past;
  readonly submittedAt: Millis;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  readonly placement: Placement;
  /** What the cluster cost that was made for it. */
  readonly cost: number;
};

export type Replay = {
  /** In the order in which they ended. */
  readonly outcomes: readonly Outcome[];
  /** Jobs that never got a place, and why the first of those that are alike did not. */
  readonly waiting: readonly { readonly job: Past; readonly why: string }[];
};

type Event =
  | { readonly is: 'comes'; readonly job: number }
  | { readonly is: 'ends'; readonly run: Running }
  /** Something of the policy ends: it may let somebody start. */
  | { readonly is: 'look' };

type Running = {
  readonly id: string;
  readonly job: Past;
  readonly submittedAt: Millis;
  readonly startedAt: Millis;
  readonly proposed: Proposed;
};

/** A replay under way. */
type Course = {
  readonly trace: Trace;
  readonly machine: Machine;
  readonly policy: Policy;
  readonly ground: Ground;
  readonly sites: Making[];
  readonly calendar: Calendar<Event>;
  /** By job: those that come when it has ended. */
  readonly followers: ReadonlyMap<number, readonly number[]>;
  readonly toLine: (job: Parameters<ReturnType<typeof keyed>>[0]) => InLine;
  readonly waiting: Map<string, { readonly job: number; readonly inLine: InLine }>;
  /** Kept where the policy asks for what is held. */
  readonly holds: Map<string, Held> | undefined;
  readonly outcomes: Outcome[];
  lines: Lines;
  usage: Usage;
  /** The next of the trace that comes by itself. */
  at: number;
  /** The instant of what happened last. */
  last: Millis;
};

/**
 * Lets the jobs of a trace come, wait and run on a machine, in virtual time: the scheduler's own
 * passes decide, once whatever happens at an instant has happened. They see what was asked for;
 * jobs end when they did. Whoever needs a cluster waits for it to boot.
 */
export function replay(trace: Trace, machine: Machine, policy: Policy): Replay {
  const course = begun(trace, machine, policy);
  const { calendar } = course;
  for (;;) {
    const now = Math.min(calendar.next(), comesNext(course));
    if (now === Number.POSITIVE_INFINITY) break;
    course.last = now;
    for (const event of calendar.due(now)) happen(course, event, now);
    takeComing(course, now);
    if (mayStart(course)) pass(course, now);
  }
  return { outcomes: course.outcomes, waiting: leftOf(course) };
}

/** Who waits at the end waits for ever, and those who would have come after them with them. */
function leftOf(course: Course): Replay['waiting'] {
  const { policy, sites, waiting, followers } = course;
  if (waiting.size === 0) return [];
  const jobs = [...waiting.values()].map(({ inLine }) => inLine);
  const nodes = course.ground.spots;
  const { reasons } = fit({ policy, sites, nodes, ...ever(sites), waiting: jobs }, course.last);
  const left: { job: Past; why: string }[] = [];
  const add = (at: number, why: string): void => {
    left.push({ job: jobOf(course, at), why });
    const text = `comes after job ${jobOf(course, at).name}, which never ran`;
    for (const follower of followers.get(at) ?? []) add(follower, text);
  };
  for (const [id, { job }] of waiting) add(job, inWords(reasons.get(id) ?? []));
  return left;
}

function begun(trace: Trace, machine: Machine, policy: Policy): Course {
  const isAsked = isBounded(policy) || policy.fairShare.weight > 0;
  const calendar = calendarOf<Event>();
  const from = trace.jobs[0]?.submittedAt ?? 0;
  for (const { until } of policy.reservations)
    if (Date.parse(until) > from) calendar.note(Date.parse(until), { is: 'look' });
  const followers = new Map<number, number[]>();
  for (const [at, { after }] of trace.jobs.entries())
    if (after !== undefined) followers.set(after.job, [...(followers.get(after.job) ?? []), at]);
  return {
    ...{ trace, machine, policy, calendar, followers },
    ground: groundOf(nodesOf(machine)),
    sites: sitesOf(machine),
    toLine: keyed(policy),
    waiting: new Map(),
    holds: isAsked ? new Map() : undefined,
    outcomes: [],
    lines: new Map(),
    usage: new Map(),
    at: 0,
    last: from,
  };
}

const jobOf = ({ trace }: Course, at: number): Past => trace.jobs[at] as Past;

/** Those that follow another come when it has ended. */
function comesNext(course: Course): Millis {
  const { jobs } = course.trace;
  while (jobs[course.at]?.after !== undefined) course.at += 1;
  return jobs[course.at]?.submittedAt ?? Number.POSITIVE_INFINITY;
}

function takeComing(course: Course, now: Millis): void {
  const coming: InLine[] = [];
  while (comesNext(course) <= now) {
    coming.push(come(course, course.at, now));
    course.at += 1;
  }
  course.lines = queued(course.lines, coming);
}

/** Eight digits: of a cluster's name no more are its job's. */
const idOf = (at: number): string => at.toString(16).padStart(8, '0');

function come(course: Course, at: number, submittedAt: Millis): InLine {
  const { machine, policy, waiting, toLine } = course;
  const job = jobOf(course, at);
  const id = idOf(at);
  const spec = specOf(job, machine, policy);
  const inLine = toLine({ id, attempt: 1, submittedAt, notBefore: 0, spec, owner: job.owner });
  waiting.set(id, { job: at, inLine });
  return inLine;
}

function happen(course: Course, event: Event, now: Millis): void {
  switch (event.is) {
    case 'comes':
      course.lines = queued(course.lines, [come(course, event.job, now)]);
      return;
    case 'ends':
      return end(course, event.run, now);
    case 'look':
      return;
  }
}

/**
 * Whether anybody could start now, if no room were kept for others: else a pass, which keeps
 * nothing from one to the next, would come to nothing.
 */
function mayStart({ lines, ground, sites }: Course): boolean {
  if (sites.length > 0) return lines.size > 0;
  for (const line of lines.values()) {
    const { nodes, cpus, gpus } = headOf(line).spec;
    if (withFree(ground, Math.max(1, cpus), gpus) >= nodes) return true;
  }
  return false;
}

function pass(course: Course, now: Millis): void {
  const { waiting, policy, ground, sites, holds, usage } = course;
  const free: Free = {
    ...{ policy, sites, usage, ...ever(sites), preempted: [] },
    lands: ground.spots.length === 0 ? [] : [ground],
    holds: holds === undefined ? [] : [[...holds.values()]],
    proposed: new Map(),
  };
  const { proposals, lines } = passOver(course.lines, ({ id }) => waiting.has(id), free, now);
  for (const proposal of proposals) start(course, proposal, now);
  course.lines = lines;
}

/** Nothing is kept warm; who has no room on nodes goes to a site, if there is any. */
const ever = (sites: readonly Making[]) =>
  ({ warm: [], relocate: sites.length === 0 ? 'asked' : 'when-full' }) as const;

function start(course: Course, { id, attempt, placement }: Proposal, now: Millis): void {
  const { waiting, ground, calendar, holds } = course;
  const { job: at, inLine } = waiting.get(id) as NonNullable<ReturnType<typeof waiting.get>>;
  const job = jobOf(course, at);
  waiting.delete(id);
  const tenure = tenureOf(job.owner, inLine.spec);
  const proposed: Proposed = { attempt, at: now, placement, tenure };
  const boots = made(course, placement, 1);
  if (placement.made === null) claim(ground, id, proposed);
  if (holds !== undefined) {
    const { nodes, resources, ports } = placement;
    holds.set(id, { job: id, attempt, nodes, resources, ports, since: now, tenure });
  }
  const startedAt = now + boots;
  const run: Running = { id, job, submittedAt: inLine.submittedAt, startedAt, proposed };
  calendar.note(startedAt + job.runMs, { is: 'ends', run });
}

/** A cluster is made at its site, or removed there; how long it boots. */
function made({ sites }: Course, { made: of, nodes }: Placement, sign: 1 | -1): Millis {
  const site = sites.find(({ remote }) => remote === of?.remote);
  const flavor = site?.flavors.find((each) => each.name === of?.flavor);
  if (site === undefined || flavor === undefined) return 0;
  site.clusters += sign;
  site.cpus += sign * flavor.resources.cpus * nodes.length;
  return site.bootMs;
}

function end(course: Course, run: Running, now: Millis): void {
  const { policy, ground, followers, calendar, holds, outcomes } = course;
  const { id, job, submittedAt, startedAt, proposed } = run;
  const { placement, at } = proposed;
  made(course, placement, -1);
  if (placement.made === null) giveBack(ground, id, proposed);
  holds?.delete(id);
  if (policy.fairShare.weight > 0) {
    const { nodes, resources } = placement;
    const amount = spentBy({ nodes: nodes.length, resources, ms: now - at });
    course.usage = used(course.usage, job.account, amount, { now, policy });
  }
  const cost = priceOf(rateOf(placement), now - at);
  outcomes.push({ job, submittedAt, startedAt, endedAt: now, placement, cost });
  for (const follower of followers.get(Number.parseInt(id, 16)) ?? []) {
    const { after, submittedAt: said } = jobOf(course, follower);
    const comes = after?.thinkMs === undefined ? Math.max(said, now) : now + after.thinkMs;
    calendar.note(comes, { is: 'comes', job: follower });
  }
}
