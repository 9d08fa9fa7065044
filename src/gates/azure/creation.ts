import type { GenericResource } from '@azure/arm-resources';
import type { Partition, PartitionOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { checkNames } from '../names.ts';
import { unknownOffer } from '../offers.ts';
import {
  type Ground,
  type Kind,
  machine,
  machineName,
  networkCard,
  publicAddress,
  securityGroup,
  type Thing,
  virtualNetwork,
} from './bodies.ts';
import { isMissing } from './faults.ts';
import { type Group, groupName, partitionOf, readGroup, tagsOf } from './group.ts';
import { lookAt, machinesOf } from './looking.ts';
import { customData } from './machine-init.ts';
import { noticesOf } from './notices.ts';
import type { ImageReference } from './settings.ts';
import {
  findGroup,
  listGroups,
  nextLook,
  onceSeen,
  ranksOf,
  type Site,
  together,
  unsettled,
} from './site.ts';
import type { Size } from './sizes.ts';
import { identitiesOf, type Mount, mountsOf } from './storages.ts';
import { addressIn, pickSubnet } from './subnet.ts';

/**
 * Ensures a partition, thing by thing and each by its name, up to the site's word that it has taken
 * the orders for all machines. What is there already is left as it is, so that it goes on where
 * another head, or this one in a former life, was cut short.
 */
export async function create(
  site: Site,
  order: PartitionOrder,
  signal: AbortSignal,
): Promise<Partition> {
  const { name, nodes, installation } = order;
  checkNames(name, nodes, installation);
  if (nodes.length > limits.azureNodesMax)
    throw new Failed('impossible', `a cluster here has ${limits.azureNodesMax} nodes at most`);
  const found = await findGroup(site, name, signal);
  const before = found === undefined ? undefined : ownGroup(found, order);
  if (before !== undefined) {
    const machines = await machinesOf(site, before, signal);
    if (machines.length >= before.nodes) return lookAt(site, before, signal);
  }
  const { size, image } = await offerOf(site, order, signal);
  const mounts = await mountsOf(site.settings.storages, order.storages ?? []);
  const group = before ?? (await site.inTurn('', () => claimNew(site, order, size, signal)));
  const { location, network } = group;
  const ground: Ground = { settings: site.settings, order, location, network };
  const isNew = before === undefined;
  await makeThings(site, ground, isNew, signal);
  await together(signal, ranksOf(order), (at, given) =>
    orderMachine(site, ground, at, kindOf(site, ground, at, { size, image, mounts }), isNew, given),
  );
  const told = { status: 'creating', description: '', addresses: {} } as const;
  return partitionOf(site.settings.subscription, group, told);
}

function ownGroup(found: Group | 'foreign', { name, installation }: PartitionOrder): Group {
  const called = groupName(name);
  if (found === 'foreign')
    throw new Failed('refused', `there is a group ${called} that is not swm's`);
  if (found.installation !== installation)
    throw new Failed('refused', `${called} belongs to the installation ${found.installation}`);
  if (found.state === 'Deleting')
    throw new Failed('releasing', `the former ${called} is being removed`);
  return found;
}

async function offerOf(
  site: Site,
  { flavor, image: asked, nodes }: PartitionOrder,
  signal: AbortSignal,
): Promise<{ readonly size: Size; readonly image: ImageReference }> {
  const { images, image: usual, cpus } = site.settings;
  const { offered, withheld } = await site.sizes(limits.offersMs, signal);
  const why = withheld.get(flavor);
  if (why !== undefined) throw new Failed('impossible', `no ${flavor}: ${why}`);
  const names = offered.map((each) => each.flavor);
  const size = offered.find((each) => each.flavor === flavor);
  if (size === undefined) throw unknownOffer('flavor', flavor, names);
  const name = asked || usual;
  const image = Object.hasOwn(images, name) ? images[name] : undefined;
  if (image === undefined) throw unknownOffer('image', name, Object.keys(images));
  const wanted = size.resources.cpus * nodes.length;
  if (wanted > cpus) throw new Failed('impossible', `${wanted} cpus; the whole site has ${cpus}`);
  return { size, image };
}

/** Groups are made one at a time, so that room is given away once; tags are in the same call. */
async function claimNew(
  site: Site,
  order: PartitionOrder,
  { location, resources }: Size,
  signal: AbortSignal,
): Promise<Group> {
  const { settings, arm, setup, recent } = site;
  const cpus = resources.cpus * order.nodes.length;
  const others = await checkRoom(site, cpus, signal);
  const at = setup.now();
  const taken = others.map((each) => each.network);
  const network = pickSubnet(settings.network, `${order.installation}/${order.name}`, taken);
  const tags = tagsOf(order, cpus, network, at, settings);
  const { resourceGroups } = arm.resources;
  const body = { location, tags };
  const made = await resourceGroups.createOrUpdate(groupName(order.name), body, {
    abortSignal: signal,
  });
  const group = readGroup(made);
  if (group === undefined)
    throw new Failed('site_error', `Azure made ${groupName(order.name)} without its tags`);
  recent.set(order.name, { group, at });
  return group;
}

/** Gives those that are there already. */
async function checkRoom(site: Site, cpus: number, signal: AbortSignal): Promise<readonly Group[]> {
  const { settings } = site;
  const shown = await listGroups(site, signal);
  const hidden = unsettled(site).filter(
    ({ partition }) => !shown.some((each) => each.partition === partition),
  );
  const others = [...shown, ...hidden];
  if (others.length >= settings.clusters)
    throw new Failed('capacity', `the site has ${others.length} clusters and takes no more`);
  const used = others.reduce((sum, each) => sum + each.cpus, 0);
  if (used + cpus > settings.cpus)
    throw new Failed('capacity', `${cpus} cpus; the site has ${settings.cpus - used} left`);
  return others;
}

/** In an order in which each thing finds what it names. In a new group nothing is looked for. */
async function makeThings(
  site: Site,
  ground: Ground,
  isNew: boolean,
  signal: AbortSignal,
): Promise<void> {
  const ranks = ranksOf(ground.order);
  const addresses = ground.settings.publicAddress
    ? ranks.map((at) => publicAddress(ground, at))
    : [];
  const rows = [
    [securityGroup(ground), ...addresses],
    [virtualNetwork(ground)],
    ranks.map((at) => networkCard(ground, at)),
  ];
  for (const row of rows)
    await together(signal, row, (thing, given) => ensure(site, thing, isNew, given));
}

/** Makes a thing that is not there, or whose making failed; waits for one in the making. */
async function ensure(
  site: Site,
  { id, apiVersion, body }: Thing,
  isNew: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { resources } = site.arm.resources;
  const options = { abortSignal: signal, updateIntervalInMs: site.settings.pace.pollMs };
  // The SDK puts a slash before it of its own.
  const path = id.slice(1);
  const make = async (): Promise<void> => {
    await resources.createOrUpdateById(path, apiVersion, body, options);
  };
  if (isNew) return onceSeen(site, signal, make);
  for (;;) {
    const state = await stateOf(() => resources.getById(path, apiVersion, options));
    if (state === 'Succeeded') return;
    if (state === undefined || state === 'Failed' || state === 'Canceled')
      return onceSeen(site, signal, make);
    await nextLook(site, signal);
  }
}

async function stateOf(get: () => Promise<GenericResource>): Promise<string | undefined> {
  try {
    const { properties = {} } = await get();
    return String(properties['provisioningState'] ?? 'Succeeded');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What all machines of a partition are made of. */
type Ware = {
  readonly size: Size;
  readonly image: ImageReference;
  readonly mounts: readonly Mount[];
};

function kindOf(
  { settings, setup, publicKey }: Site,
  ground: Ground,
  at: number,
  { size, image, mounts }: Ware,
): Kind {
  const { order, network } = ground;
  const node = order.nodes[at] ?? '';
  const { heads, caFingerprint, tokens } = order.bootstrap;
  const token = Object.hasOwn(tokens, node) ? tokens[node] : undefined;
  if (token === undefined) throw new Failed('refused', `there is no token for ${node}`);
  const address = addressIn(network, at);
  const join = { heads, caFingerprint, token };
  const { resources, name } = size;
  const besides = { ...setup.workerConfig, ...noticesOf(settings, machineName(ground, at)) };
  const newborn = { partition: order.name, node, address, resources, join, mounts };
  return {
    size: name,
    image,
    publicKey,
    customData: customData(newborn, settings, besides),
    identities: identitiesOf(settings.storages, order.storages ?? []),
  };
}

/**
 * Resolves once the site has taken the order. A machine that is there is never ordered again: what
 * was begun may not be changed, and one that failed tells later why.
 */
async function orderMachine(
  site: Site,
  ground: Ground,
  at: number,
  kind: Kind,
  isNew: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { virtualMachines } = site.arm.compute;
  const group = groupName(ground.order.name);
  const name = machineName(ground, at);
  const options = { abortSignal: signal };
  const isThere = async (): Promise<boolean> =>
    (await stateOf(() => virtualMachines.get(group, name, options))) !== undefined;
  if (!isNew && (await isThere())) return;
  try {
    await onceSeen(site, signal, () =>
      virtualMachines.createOrUpdate(group, name, machine(ground, at, kind), options).submitted(),
    );
  } catch (error) {
    // An answer may be lost, and the next try be refused because the first one was taken.
    if (signal.aborted || !(await isThere())) throw error;
  }
}
