import { Failed } from '../../protocol/errors.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Bootstrap, Gate } from '../ports.ts';
import type { ClusterEvent, ClusterTasks } from './cluster.ts';

export type ClusterPorts = {
  readonly gates: ReadonlyMap<string, Gate>;
  readonly installation: string;
  /** The join token of a node: the same for the same cluster, life and name. Secret. */
  readonly token: (cluster: string, life: number, node: string) => string;
  readonly hash: (token: string) => string;
  /** Resolves once nodes can reach this head: a machine is told once where that is. */
  readonly bootstrap: () => Promise<Omit<Bootstrap, 'tokens'>>;
};

/** Asks the site for what the cluster needs of it. */
export function clusterTasks(ports: ClusterPorts): Tasks<ClusterEvent, ClusterTasks> {
  const gate = (remote: string): Gate => {
    const found = ports.gates.get(remote);
    if (found === undefined) throw new Failed('site_error', `no site ${remote} is configured`);
    return found;
  };
  const tokens = (cluster: string, life: number, nodes: readonly string[]) =>
    Object.fromEntries(nodes.map((node) => [node, ports.token(cluster, life, node)]));
  return {
    tokens: async ({ cluster, life, nodes }) =>
      Object.fromEntries(
        Object.entries(tokens(cluster, life, nodes)).map(([n, t]) => [n, ports.hash(t)]),
      ),
    create: async ({ cluster, life, job, owner, made, nodes }, { signal }) =>
      gate(made.remote).create(
        {
          name: cluster,
          job,
          owner,
          installation: ports.installation,
          flavor: made.flavor,
          image: made.image,
          ...(made.storages && { storages: made.storages }),
          nodes,
          bootstrap: { ...(await ports.bootstrap()), tokens: tokens(cluster, life, nodes) },
        },
        signal,
      ),
    attach: async ({ remote, cluster, life, node }, { signal, emit }) => {
      const site = gate(remote);
      // For nothing it would be one turn more for each machine that joins by itself.
      if (site.attach === undefined) return new Promise<never>(() => {});
      const told = (text: string): void => emit({ is: 'step', node, text });
      const address = (await site.find(cluster, signal))?.addresses[node] ?? '';
      if (address === '') throw new Failed('unreachable', `the site does not say where ${node} is`);
      const bootstrap = { ...(await ports.bootstrap()), tokens: tokens(cluster, life, [node]) };
      return site.attach({ partition: cluster, node, address, bootstrap }, told, signal);
    },
    poll: async ({ remote, cluster }, { signal }) =>
      (await gate(remote).find(cluster, signal)) ?? null,
    remove: async ({ remote, cluster, externalId }, { signal }) => {
      const site = gate(remote);
      // Its creation may have been done without an answer: only the site knows by what id.
      const id = externalId || (await site.find(cluster, signal))?.externalId;
      if (id !== undefined) await site.remove(id, signal);
      return null;
    },
  };
}
