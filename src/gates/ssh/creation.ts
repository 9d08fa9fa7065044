import { randomUUID } from 'node:crypto';
import type { Partition, PartitionOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { checkNames } from '../names.ts';
import { checkOrder } from '../offers.ts';
import { dropLease, type Held, type Lease, takeLease } from './lease.ts';
import { type Look, looks, partitionsOf } from './look.ts';
import type { Host, SshSettings } from './settings.ts';
import { hostOf, idsIn, type Site } from './site.ts';

/** Ensures a partition: goes on with one that was begun, and begins it else. */
export function create(site: Site, order: PartitionOrder, signal: AbortSignal): Promise<Partition> {
  const { name, nodes, installation } = order;
  checkNames(name, nodes, installation);
  // Hosts are given away one order at a time, so that two do not take them from each other.
  return site.inTurn('', async () => {
    const found = await looks(site, signal);
    const begun = begunBefore(order, found);
    const hosts =
      begun === undefined
        ? pick(site.settings, order, found)
        : idsIn(begun.externalId).map((id) => hostOf(site, id));
    const lease = begun ?? leaseOf(site, order, hosts);
    await takeAll(site, lease, hosts, found);
    const there = partitionsOf(site.settings, await looks(site, signal));
    const made = there.find(({ externalId }) => externalId === lease.externalId);
    if (made === undefined) throw new Failed('site_error', `${name} was taken away by hand`);
    return made;
  });
}

/** The lease of that name that there is. */
function begunBefore(
  { name, installation }: PartitionOrder,
  found: readonly Look[],
): Lease | undefined {
  const all = found.flatMap(({ held }): Held[] => (held?.lease.name === name ? [held] : []));
  const begun = all.find(({ isRemoving }) => !isRemoving) ?? all[0];
  if (begun === undefined) return undefined;
  if (begun.lease.installation !== installation)
    throw new Failed('refused', `${name} belongs to the installation ${begun.lease.installation}`);
  if (begun.isRemoving) throw new Failed('releasing', `the former ${name} is being removed`);
  return begun.lease;
}

/** Hosts of the flavor that are free, as far as is known. */
function pick(
  settings: SshSettings,
  order: PartitionOrder,
  found: readonly Look[],
): readonly Host[] {
  const leases = found.flatMap(({ held }): Lease[] => (held === undefined ? [] : [held.lease]));
  const partitions = new Map(leases.map((lease) => [lease.externalId, lease]));
  const shares = [...partitions.values()].map(({ resources, nodes }) => ({
    resources,
    machines: nodes,
  }));
  const { flavor } = checkOrder(settings, order, shares);
  const alike = found.filter(({ host }) => host.flavor === flavor.name);
  const free = alike.filter(({ held, why }) => held === undefined && why === undefined);
  const wanted = order.nodes.length;
  if (wanted > alike.length)
    throw new Failed('impossible', `${wanted} hosts ${flavor.name}; the site has ${alike.length}`);
  if (wanted > free.length)
    throw new Failed('capacity', `${wanted} hosts ${flavor.name}; ${free.length} are free`);
  return free.slice(0, wanted).map(({ host }) => host);
}

const leaseOf = (
  { setup, settings }: Site,
  { name, installation, job, owner, flavor, nodes }: PartitionOrder,
  hosts: readonly Host[],
): Lease => ({
  version: 1,
  name,
  externalId: [setup.remote, name, randomUUID(), hosts.map(({ id }) => id).join('.')].join('/'),
  installation,
  job,
  owner,
  flavor,
  resources: settings.flavors.find((each) => each.name === flavor)!.resources,
  node: '',
  nodes: [...nodes],
  createdAt: setup.now(),
});

/**
 * Takes all of the hosts or, if that cannot be, none: another try may find others. What cannot be
 * given back now has the id of its partition, by which it is found later.
 */
async function takeAll(
  site: Site,
  lease: Lease,
  hosts: readonly Host[],
  found: readonly Look[],
): Promise<void> {
  const isMine = (host: Host): boolean =>
    found.some((look) => look.host === host && look.held?.lease.externalId === lease.externalId);
  try {
    for (const [at, host] of hosts.entries()) {
      if (isMine(host)) continue;
      const node = lease.nodes[at] ?? '';
      const take = { ...lease, node };
      if (!(await site.hosts.use(host, (session) => takeLease(session, host, take))))
        throw new Failed('capacity', `${host.address} was taken by somebody else`);
    }
  } catch (error) {
    await Promise.allSettled(hosts.map((host) => giveBack(site, host, lease)));
    throw error;
  }
}

/** Nothing was begun on a host of a partition that is not whole. */
const giveBack = ({ hosts }: Site, host: Host, { externalId }: Lease): Promise<void> =>
  hosts.use(host, (session) => dropLease(session, host, externalId));
