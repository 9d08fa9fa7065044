import { setTimeout as sleep } from 'node:timers/promises';
import type { Partition, PartitionOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { unknownOffer } from '../offers.ts';
import type { Posted } from './posted.ts';
import { nameOf, type PartitionSaid, readMade, statusOf } from './replies.ts';
import { lookUp, type Offers, put, type Site, show } from './site.ts';

/**
 * Ensures a partition. An order is sent once: one whose answer did not come is looked for by its
 * name for as long as the service may be at it, also by a head that starts meanwhile.
 */
export function create(
  site: Site,
  order: PartitionOrder,
  offered: () => Promise<Offers>,
  signal: AbortSignal,
): Promise<Partition> {
  const { name } = order;
  return site.inTurn(name, async () => {
    const found = await lookUp(site, name, signal);
    if (found !== undefined) return adopted(site, found);
    const earlier = await site.posted.read(name);
    if (earlier !== undefined && site.now() < earlier.until)
      return adopted(site, await awaited(site, name, earlier.until, signal));
    const { headers, gpus } = askedFor(site, order, await offered());
    const at = site.now();
    const until = at + site.settings.createMs;
    const posted = { at, until, nodes: [...order.nodes], gpus, externalId: '' };
    return adopted(site, await send(site, name, posted, headers, signal));
  });
}

async function adopted(site: Site, said: PartitionSaid): Promise<Partition> {
  if (statusOf(said) === 'deleting')
    throw new Failed('releasing', `the former ${nameOf(said)} is being removed`);
  return show(site, said);
}

async function send(
  site: Site,
  name: string,
  posted: Posted,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PartitionSaid> {
  const { createMs } = site.settings;
  await site.posted.write(name, posted);
  const answer = await put(site, 'POST', 'partitions', signal, headers, createMs);
  if (answer.is === 'lost') return awaited(site, name, posted.until, signal);
  // What a service has made all the same, when it fails, is soon to be seen.
  const until = site.now() + Math.min(createMs, limits.gateSettleMs);
  if (answer.is === 'broken') {
    await site.posted.write(name, { ...posted, until });
    return awaited(site, name, until, signal, answer.failed);
  }
  if (answer.is !== 'good') {
    await site.posted.forget(name);
    throw answer.is === 'missing' ? new Failed('refused', answer.failed.message) : answer.failed;
  }
  const said = readMade(answer.body);
  if (nameOf(said) !== name)
    throw new Failed('site_error', `asked for ${name}, the gate service made ${said.name}`);
  await site.posted.write(name, { ...posted, until, externalId: said.id });
  return said;
}

/** Looks for what was ordered; that the service is away meanwhile says nothing of the order. */
async function awaited(
  site: Site,
  name: string,
  until: Millis,
  signal: AbortSignal,
  otherwise = new Failed('timeout', `the gate service did not make ${name} in time`),
): Promise<PartitionSaid> {
  for (let ms: Millis = limits.gateLookMsMin; ; ms = Math.min(2 * ms, limits.gateLookMsMax)) {
    try {
      const found = await lookUp(site, name, signal);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof Failed) || !error.failure.retry || signal.aborted) throw error;
    }
    const left = until - site.now();
    if (left <= 0) break;
    await pause(Math.min(ms, left), signal);
  }
  await site.posted.forget(name);
  throw otherwise;
}

/** A pause that ends at once when it is given up. */
export async function pause(ms: Millis, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Failed('timeout', 'it was given up');
  }
}

/** The order as headers. Throws `impossible` for what the site does not offer. */
function askedFor(
  { settings }: Site,
  { name, job, owner, flavor, image, nodes }: PartitionOrder,
  { flavors, images }: Offers,
): { readonly headers: Readonly<Record<string, string>>; readonly gpus: number } {
  const known = flavors.find((each) => each.name === flavor);
  if (known === undefined) throw unknownOffer('flavor', flavor, namesOf(flavors));
  const boots = image || settings.image || images[0]?.name || '';
  if (!images.some((each) => each.name === boots))
    throw unknownOffer('image', boots, namesOf(images));
  const cpus = known.resources.cpus * nodes.length;
  if (cpus > settings.cpus)
    throw new Failed('impossible', `${cpus} cpus; the whole site has ${settings.cpus}`);
  if (settings.count === 'all' && nodes.length > limits.gateNodesMax)
    throw new Failed('impossible', `${nodes.length} nodes; the most is ${limits.gateNodesMax}`);
  const runtime = Object.entries(settings.runtime).map(([key, value]) => `${key}=${value}`);
  const headers = {
    osversion: boots,
    containerimage: settings.containerImage,
    flavorname: flavor,
    username: settings.username || owner,
    count: String(settings.count === 'extra' ? nodes.length - 1 : nodes.length),
    jobid: job,
    partname: name,
    runtime: runtime.join(','),
    location: settings.location,
    ports: settings.ports.join(','),
  };
  return { headers, gpus: known.resources.gpus };
}

const namesOf = (all: readonly { readonly name: string }[]): readonly string[] =>
  all.map(({ name }) => name);
