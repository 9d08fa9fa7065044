import { fit, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Held } from '../../src/actors/scheduler/land.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import { spentBy, type Usage, used } from '../../src/actors/scheduler/share.ts';
import type { FreeNode } from '../../src/actors/scheduler/spot.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import { tenure } from './worlds.ts';

/** Plays jobs on nodes in virtual time: a pass whenever one has come or has ended. */

/** A job, how long it runs in truth, and when it comes. */
export type Task = { readonly job: Waiting; readonly runsMs: number };

export type Told = {
  readonly at: number;
  readonly passed: ReturnType<typeof fit>;
};

export type Played = {
  /** When each began. */
  readonly starts: ReadonlyMap<string, number>;
  /** When the last has ended. */
  readonly end: number;
  readonly passes: readonly Told[];
};

export function play(
  nodes: readonly FreeNode[],
  tasks: readonly Task[],
  change: Partial<Policy> = {},
  untilMs: number = Number.POSITIVE_INFINITY,
): Played {
  const policy: Policy = { ...defaultPolicy, ...change };
  const starts = new Map<string, number>();
  const passes: Told[] = [];
  let held: { readonly hold: Held; readonly endsAt: number }[] = [];
  let usage: Usage = new Map();
  let now = Math.min(...tasks.map(({ job }) => job.submittedAt));
  while (now <= untilMs) {
    for (const { hold, endsAt } of held)
      if (endsAt <= now) usage = counted(usage, hold, now, policy);
    held = held.filter(({ endsAt }) => endsAt > now);
    const waiting = tasks
      .map(({ job }) => job)
      .filter(({ id, submittedAt }) => submittedAt <= now && !starts.has(id));
    const holds = held.map(({ hold }) => hold);
    const passed = fit(pictureOf(nodes, holds, { waiting, policy, usage }), now);
    passes.push({ at: now, passed });
    for (const { id, attempt, placement } of passed.place) {
      const { job, runsMs } = tasks.find((task) => task.job.id === id) as Task;
      starts.set(id, now);
      const { owner = '', spec } = job;
      const whose = { ...spec, owner };
      const { resources, ports, nodes: on } = placement;
      const hold = { job: id, attempt, nodes: on, resources, ports, since: now };
      held.push({ hold: { ...hold, tenure: tenure(whose) }, endsAt: now + runsMs });
    }
    const next = [
      ...held.map(({ endsAt }) => endsAt),
      ...tasks.map(({ job }) => job.submittedAt),
    ].filter((at) => at > now);
    if (next.length === 0) break;
    now = Math.min(...next);
  }
  return { starts, end: now, passes };
}

const counted = (
  usage: Usage,
  { tenure: of, since = 0, ...hold }: Held,
  now: number,
  policy: Policy,
) =>
  used(
    usage,
    of?.account ?? '',
    spentBy({ nodes: hold.nodes.length, resources: hold.resources, ms: now - since }),
    { now, policy },
  );

function pictureOf(
  nodes: readonly FreeNode[],
  holds: readonly Held[],
  rest: Pick<Picture, 'waiting'> & Partial<Picture>,
): Picture {
  const left = nodes.map((node) => {
    const on = holds.filter((hold) => hold.nodes.includes(node.name));
    const cpus = on.reduce((sum, { resources }) => sum + resources.cpus, 0);
    return { ...node, free: { ...node.total, cpus: node.total.cpus - cpus } };
  });
  return { nodes: left, holds, sites: [], warm: [], relocate: 'asked', ...rest };
}
