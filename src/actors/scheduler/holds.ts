import { minus, plus } from '../amounts.ts';
import type { Held, Proposed } from './land.ts';
import type { ClusterNews } from './scheduler.ts';

/** What a cluster would tell if somebody had left it, or had come. */

/** Without what an attempt holds of it. */
export function without(news: ClusterNews, job: string): ClusterNews {
  const gone = (news.holds ?? []).filter((hold) => hold.job === job);
  if (gone.length === 0) return news;
  const nodes = news.nodes.map((node) => {
    const here = gone.filter((hold) => hold.nodes.includes(node.name));
    if (here.length === 0) return node;
    const ports = here.flatMap((hold) => hold.ports);
    return {
      ...node,
      free: here.reduce((free, hold) => plus(free, takenBy(hold, node)), node.free),
      ports: node.ports.filter((port) => !ports.includes(port)),
    };
  });
  const holds = (news.holds ?? []).filter((hold) => !gone.includes(hold));
  return { ...news, claimed: null, nodes, holds };
}

/** With what was proposed of it, as it is once that was claimed. */
export function withClaim(news: ClusterNews, job: string, proposed: Proposed): ClusterNews {
  const hold = heldBy(job, proposed);
  const nodes = news.nodes.map((node) =>
    hold.nodes.includes(node.name)
      ? {
          ...node,
          free: minus(node.free, takenBy(hold, node)),
          ports: [...node.ports, ...hold.ports],
        }
      : node,
  );
  const { warm: _, ...rest } = news;
  const claimed = { job, attempt: hold.attempt };
  return { ...rest, claimed, nodes, holds: [...(news.holds ?? []), hold] };
}

/** A cluster that is made for a job: its site has less for others while it is there. */
export function madeFor(job: string, proposed: Proposed): ClusterNews {
  const { cluster, nodes, made } = proposed.placement;
  return {
    cluster,
    open: false,
    claimed: { job, attempt: proposed.attempt },
    made: made && { remote: made.remote, flavor: made.flavor, nodes: nodes.length },
    nodes: [],
    holds: [heldBy(job, proposed)],
  };
}

const takenBy = (
  { exclusive, resources }: Pick<Held, 'exclusive' | 'resources'>,
  { total }: ClusterNews['nodes'][number],
) => (exclusive ? total : resources);

const heldBy = (job: string, { attempt, at, placement, tenure }: Proposed): Held => ({
  ...{ job, attempt, since: at },
  resources: placement.resources,
  ports: [...placement.ports],
  nodes: [...placement.nodes],
  ...(placement.exclusive && { exclusive: true }),
  ...(tenure && { tenure }),
});
