import { join } from 'node:path';
import type { Gate, MachineOrder, Partition } from '../../actors/ports.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { archiveOf } from '../bootstrap/archive.ts';
import { keepAttached } from '../bootstrap/attach.ts';
import { Attachments } from '../bootstrap/attachments.ts';
import { KnownHosts } from '../bootstrap/known-hosts.ts';
import { isPartitionName, isPlainName } from '../names.ts';
import type { GateSetup } from '../setup.ts';
import { turns } from '../turns.ts';
import { create } from './creation.ts';
import { Hosts } from './hosts.ts';
import { readLease } from './lease.ts';
import { looks, partitionsOf, unknownOf } from './look.ts';
import { remove } from './removal.ts';
import { readSettings } from './settings.ts';
import { machineOf, type Site } from './site.ts';

/**
 * A site of hosts that we are given: a partition is a lease on some of them. All that is known of
 * it is on the hosts themselves, so that any head finds it, and two installations that were given
 * one host do not share it. A host that does not answer may have anything on it.
 */
export async function openSshGate(setup: GateSetup): Promise<Gate> {
  const settings = readSettings(setup.settings, `$.remotes.${setup.remote}`);
  if (!isPlainName(setup.remote))
    throw new Malformed('$.remotes', `a site cannot be named ${setup.remote}`);
  const folder = join(setup.spool, 'gates', setup.remote);
  const archive = archiveOf({ given: settings.archive, folder });
  const site: Site = {
    setup,
    settings,
    hosts: new Hosts(new KnownHosts(join(folder, 'known-hosts.json'))),
    attachments: new Attachments(),
    base: { head: setup.head, mesh: setup.mesh, archive },
    inTurn: turns(),
    dark: new Set(),
  };
  return {
    create: async (order, signal) => create(site, order, signal),
    find: (name, signal) => find(site, name, signal),
    remove: (id, signal) => remove(site, id, signal),
    list: async (signal) => partitionsOf(settings, await looks(site, signal)),
    flavors: async () => settings.flavors,
    images: async () => settings.images,
    attach: (order, told, signal) => attach(site, order, told, signal),
  };
}

/** What is on no host that answers may be on one that does not, and is not said to be gone then. */
async function find(site: Site, name: string, signal: AbortSignal): Promise<Partition | undefined> {
  const found = await looks(site, signal);
  if (!isPartitionName(name)) return undefined;
  const all = partitionsOf(site.settings, found).filter((each) => each.name === name);
  // What could not be given back of a try is there besides what was made in the end.
  const best = all.find(({ status }) => status === 'succeeded') ?? all[0];
  const [unknown] = unknownOf(found);
  if (best !== undefined || unknown === undefined) return best;
  throw new Failed('unreachable', `${name} may be where we cannot look: ${unknown.why?.message}`);
}

/** The node of a partition is on one of the hosts of that address. */
async function attach(
  site: Site,
  order: MachineOrder,
  told: (step: string) => void,
  signal: AbortSignal,
): Promise<never> {
  const { partition, node, address } = order;
  for (const host of site.settings.hosts) {
    if (host.address !== address || host.isLost) continue;
    const held = await site.hosts.use(host, (session) => readLease(session, host));
    if (held?.lease.name !== partition || held.lease.node !== node) continue;
    const machine = machineOf(site, host, held.lease);
    const facts = JSON.stringify([order, held.lease.externalId]);
    const keep = (tell: typeof told, end: AbortSignal): Promise<never> =>
      keepAttached(site.base, machine, order, tell, end);
    return site.attachments.hold(`${partition}/${node}`, facts, keep, told, signal);
  }
  throw new Failed('site_error', `no host at ${address} is leased for ${node}`);
}
