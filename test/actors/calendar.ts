import type { Fit } from '../../src/actors/scheduler/fit.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import type { FreeNode } from '../../src/actors/scheduler/spot.ts';
import { AT, STEP, type World } from './worlds.ts';

/** What each node has to bear and when, counted anew from what a pass said. */

const FOREVER = Number.POSITIVE_INFINITY;

export type Entry = {
  readonly job: string;
  readonly node: string;
  readonly from: number;
  readonly until: number;
  readonly cpus: number;
  readonly gpus: number;
  readonly whole: boolean;
};

/** How long a job may run by its own word, or its queue's. */
export const lasts = ({ spec }: Waiting, { policy }: World): number =>
  spec.walltimeMs || policy.queues[spec.queue]?.timeMaxMs || FOREVER;

const takes = ({ spec }: Waiting) => ({
  cpus: Math.max(1, spec.cpus),
  gpus: spec.gpus,
  whole: spec.exclusive === true,
});

/** What runs, what was given a place, and what was promised one. */
export function calendar(world: World, { place, plan, preempted }: Fit): Entry[] {
  const of = (id: string): Waiting => world.waiting.find((each) => each.id === id) as Waiting;
  const running = world.holds.flatMap(({ job, nodes, resources, since = 0, tenure }) => {
    const walltimeMs = tenure?.walltimeMs ?? 0;
    const said = walltimeMs === 0 ? FOREVER : since + walltimeMs;
    const isLeaving = preempted.some(({ id }) => id === job);
    const until = isLeaving ? Math.min(said, AT + world.policy.preemption.graceMs) : said;
    const { cpus, gpus } = resources;
    return nodes.map((node) => ({ job, node, from: 0, until, cpus, gpus, whole: false }));
  });
  const now = place.flatMap(({ id, placement }) =>
    placement.nodes.map((node) => entry(world, of(id), node, AT)),
  );
  const later = plan.flatMap(({ id, at, nodes }) =>
    nodes.map((node) => entry(world, of(id), node, at)),
  );
  return [...running, ...now, ...later];
}

export const entry = (world: World, job: Waiting, node: string, from: number): Entry => ({
  ...{ job: job.id, node, from },
  until: from + lasts(job, world),
  ...takes(job),
});

/** What is wrong with a node's calendar, or ''. */
export function overfull({ name, total }: FreeNode, entries: readonly Entry[]): string {
  const there = entries.filter(({ node }) => node === name);
  for (const at of there.map(({ from }) => from)) {
    const then = there.filter(({ from, until }) => from <= at && at < until);
    const sum = (what: 'cpus' | 'gpus'): number => then.reduce((all, each) => all + each[what], 0);
    const isShared = then.some(({ whole }) => whole) && then.length > 1;
    if (sum('cpus') > total.cpus || sum('gpus') > total.gpus || isShared)
      return `${name} at ${(at - AT) / STEP}: ${JSON.stringify(then)}`;
  }
  return '';
}

/** Whether a job may be on a node at all. */
export function mayBeOn({ spec }: Waiting, node: FreeNode, world: World): boolean {
  const { nodes = ['*'] } = world.policy.queues[spec.queue] ?? {};
  const isLike = (pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(node.name);
  const labels = node.labels ?? [];
  return (
    node.up && nodes.some(isLike) && (spec.constraint ?? []).every((each) => labels.includes(each))
  );
}

/** Whether a job on a node from an instant on is in a reservation that is not for it. */
export const isClosed = (job: Waiting, node: string, from: number, world: World): boolean =>
  world.policy.reservations.some(
    (booking) =>
      !booking.users?.includes(job.owner ?? '') &&
      booking.nodes.some((p) => new RegExp(`^${p.replaceAll('*', '.*')}$`).test(node)) &&
      Date.parse(booking.from) < from + lasts(job, world) &&
      from < Date.parse(booking.until),
  );
