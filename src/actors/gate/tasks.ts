import { Failed } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import { load } from '../../runtime/record.ts';
import { keeping as clusterKeeping } from '../cluster/keeping.ts';
import type { Gate } from '../ports.ts';
import type { GateEvent, GateTasks, Stray } from './gate.ts';

/** What the config says of a site. */
export type SiteFacts = Pick<
  Body<'scheduler.site'>,
  'clustersMax' | 'cpusMax' | 'defaultFlavor' | 'defaultImage'
>;

export type GatePorts = {
  readonly gates: ReadonlyMap<string, Gate>;
  readonly sites: ReadonlyMap<string, SiteFacts>;
  readonly store: Store;
  readonly installation: string;
};

export function gateTasks(ports: GatePorts): Tasks<GateEvent, GateTasks> {
  const of = (remote: string): { readonly gate: Gate; readonly facts: SiteFacts } => {
    const gate = ports.gates.get(remote);
    const facts = ports.sites.get(remote);
    if (gate === undefined || facts === undefined)
      throw new Failed('site_error', `no site ${remote} is configured`, false);
    return { gate, facts };
  };
  return {
    offers: async ({ remote }, { signal }) => {
      const { gate, facts } = of(remote);
      const [flavors, images] = await Promise.all([gate.flavors(signal), gate.images(signal)]);
      const site = {
        remote,
        ...facts,
        flavors: flavors.map((f) => ({ ...f, remote })),
        images: images.map((i) => ({ ...i, remote })),
      };
      return site;
    },
    strays: async ({ remote }, { signal }) => strays(ports, of(remote).gate, signal),
  };
}

/**
 * Lists first and reads the claims after: a claim is committed before its create. Where a site
 * keeps no tags, only names are ours that we hold a record of; others may be somebody else's.
 */
async function strays(
  { store, installation }: GatePorts,
  gate: Gate,
  signal: AbortSignal,
): Promise<readonly Stray[]> {
  const there = await gate.list(signal);
  return there
    .filter((p) => p.status !== 'deleting')
    .filter((p) => {
      const claim = load(store, clusterKeeping, `/clusters/${p.name}`)?.state;
      const isOurs = p.installation === '' ? claim !== undefined : p.installation === installation;
      return isOurs && (claim === undefined || claim.phase === 'gone');
    })
    .map(({ name, externalId, createdAt }) => ({ name, externalId, createdAt }));
}
