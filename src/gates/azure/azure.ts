import { join } from 'node:path';
import type { Flavor, Gate, Image, Partition } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { archiveOf } from '../bootstrap/archive.ts';
import { Attachments } from '../bootstrap/attachments.ts';
import { isPartitionName } from '../names.ts';
import type { GateSetup } from '../setup.ts';
import { turns } from '../turns.ts';
import { openArm, readText } from './arm.ts';
import { attachBy } from './attaching.ts';
import { create } from './creation.ts';
import { partitionOf } from './group.ts';
import { lookAt } from './looking.ts';
import { fetchPrices } from './price-list.ts';
import { type PriceShelf, pricesOf } from './prices.ts';
import { remove } from './removal.ts';
import { type AzureSettings, readSettings } from './settings.ts';
import { findGroup, listGroups, type Site } from './site.ts';
import { keepSizes, loadSizes, type Size } from './sizes.ts';
import { mountsOf } from './storages.ts';

/**
 * A site at Azure: a cluster is a resource group with a network and its machines. Azure is the only
 * record of it, by names and tags, so that any head finds it by opening the site.
 */
export async function openAzureGate(setup: GateSetup): Promise<Gate> {
  const settings = readSettings(setup.settings, `$.remotes.${setup.remote}`);
  const arm = await openArm(settings);
  const publicKey = readPublicKey(await readText(settings.ssh.publicKeyFile), settings);
  const storages = Object.keys(settings.storages);
  // A token that cannot be read is told now, not to a job that waits for its machines.
  await mountsOf(settings.storages, storages);
  const sizes = keepSizes((signal) => loadSizes(arm, settings, signal), setup.now);
  const folder = join(setup.spool, 'gates', setup.remote);
  const archive = archiveOf({ given: settings.worker.archive, folder });
  const site: Site = {
    setup,
    settings,
    arm,
    sizes,
    publicKey,
    inTurn: turns(),
    recent: new Map(),
    seenUp: new Map(),
    addresses: new Map(),
    base: { head: setup.head, mesh: setup.mesh, archive },
    attachments: new Attachments(),
  };
  const question = <T>(doing: string, given: AbortSignal, ask: (s: AbortSignal) => Promise<T>) =>
    arm.within(doing, limits.azureQuestionMs, given, ask);
  return {
    create: (order, given) =>
      arm.within(`Making ${order.name}`, limits.createMsMax, given, (signal) =>
        site.inTurn(order.name, () => create(site, order, signal)),
      ),
    find: (name, given) =>
      question(`Looking for ${name}`, given, (signal) => find(site, name, signal)),
    remove: (externalId, given) =>
      arm.within(`Removing ${externalId}`, limits.azureRemoveMs, given, (signal) =>
        remove(site, externalId, signal),
      ),
    list: (given) => question('Listing the groups', given, (signal) => list(site, signal)),
    flavors: (given) => question('Listing the sizes', given, (signal) => flavors(site, signal)),
    images: async () => imagesOf(settings),
    storages,
    ...(settings.dialIn === 'ssh' ? { attach: attachBy(site) } : {}),
  };
}

async function find(site: Site, name: string, signal: AbortSignal): Promise<Partition | undefined> {
  if (!isPartitionName(name)) return undefined;
  const group = await findGroup(site, name, signal);
  return group === undefined || group === 'foreign' ? undefined : lookAt(site, group, signal);
}

/**
 * Of each only what its group tells, which is not how its machines are: to ask for all machines of
 * all partitions would cost too much.
 */
async function list(site: Site, signal: AbortSignal): Promise<readonly Partition[]> {
  const { subscription } = site.settings;
  const groups = await listGroups(site, signal);
  return groups.map((group) => {
    const status = group.state === 'Deleting' ? 'deleting' : 'updating';
    return partitionOf(subscription, group, { status, description: '', addresses: {} });
  });
}

async function flavors(site: Site, signal: AbortSignal): Promise<readonly Flavor[]> {
  const { settings } = site;
  const { offered } = await site.sizes(0, signal);
  const found: Flavor[] = [];
  for (const location of settings.locations) {
    const prices = await pricesFor(site, location, signal);
    for (const size of offered.filter((each) => each.location === location)) {
      const price = prices(size);
      if (price === undefined) continue;
      const { flavor: name, resources, storageBytes } = size;
      found.push({ name, resources, storageBytes, price });
    }
  }
  return found;
}

/** What an hour costs. A size of no known price is not offered: it would seem the cheapest. */
async function pricesFor(
  { settings, setup, arm }: Site,
  location: string,
  signal: AbortSignal,
): Promise<(size: Size) => number | undefined> {
  const { priceUrl: url, currency, pricesMs: goodMs, spot, prices: own, pace } = settings;
  const list = { url, currency, ca: arm.ca, retryMs: pace.retryMs };
  const given = ({ flavor, name }: Size): number | undefined => own[flavor] ?? own[name];
  if (url === '') return (size) => given(size) ?? 0;
  const shelf: PriceShelf = {
    path: join(setup.spool, 'gates', setup.remote, 'prices.json'),
    currency,
    goodMs,
    now: setup.now,
    fetch: (where, given) => fetchPrices(list, where, given),
  };
  const prices = await pricesOf(shelf, location, signal);
  return (size) => given(size) ?? prices[size.name]?.[spot ? 'spot' : 'plain'];
}

const imagesOf = ({ images }: AzureSettings): readonly Image[] =>
  Object.keys(images).map((name) => ({ name, kind: 'cloud' }));

/** The first key of a file in the form of `authorized_keys`. */
function readPublicKey(text: string, { ssh }: AzureSettings): string {
  const line = text.split('\n').find((each) => /^(ssh|ecdsa|sk)-\S+ \S+/.test(each));
  if (line !== undefined) return line.trim();
  throw new Failed('refused', `${ssh.publicKeyFile} has no public key of SSH`);
}
