import type { Flavor, Image, Partition } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Turns } from '../turns.ts';
import type { Machines } from './machines.ts';
import type { PostedOrders } from './posted.ts';
import {
  createdAtOf,
  nameOf,
  type PartitionSaid,
  readFlavors,
  readImages,
  readPartition,
  readPartitions,
  statusOf,
} from './replies.ts';
import { type Answer, ask, type Dial, type Method } from './service.ts';
import type { HttpSettings } from './settings.ts';

/** What a site offers. */
export type Offers = {
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
};

/** What all calls of one open site share. */
export type Site = {
  readonly settings: HttpSettings;
  readonly dial: Dial;
  readonly posted: PostedOrders;
  readonly machines: Machines;
  readonly inTurn: Turns;
  readonly now: () => Millis;
  /** By external id: its name, and when it was seen first. */
  readonly seen: Map<string, { readonly name: string; readonly at: Millis }>;
};

/** Puts a question about `what`, a path below the provider's. */
export const put = (
  { dial, settings }: Site,
  method: Method,
  what: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
  answerMs: Millis = limits.gateAnswerMs,
): Promise<Answer> =>
  ask(dial, { method, path: `/${settings.provider}/${what}`, headers, answerMs }, signal);

async function told(answer: Promise<Answer>): Promise<unknown> {
  const heard = await answer;
  if (heard.is === 'good') return heard.body;
  // That a whole list is not found says nothing of what would be in it.
  throw heard.is === 'missing' ? new Failed('site_error', heard.failed.message) : heard.failed;
}

/** All that the site tells of; what it only still speaks of is left out. */
export async function list(site: Site, signal: AbortSignal): Promise<readonly PartitionSaid[]> {
  const said = readPartitions(await told(put(site, 'GET', 'partitions', signal)));
  return said.filter((each) => statusOf(each) !== undefined);
}

/**
 * A partition by its name; by its id some services find none. Services say of a name that it is
 * not found also when they could not ask their cloud, so that only the list is believed for that.
 */
export async function lookUp(
  site: Site,
  name: string,
  signal: AbortSignal,
): Promise<PartitionSaid | undefined> {
  const answer = await put(site, 'GET', `partitions/${encodeURIComponent(name)}`, signal);
  if (answer.is === 'missing')
    return (await list(site, signal)).find((each) => nameOf(each) === name);
  if (answer.is !== 'good') throw answer.failed;
  const said = readPartition(answer.body);
  if (nameOf(said) !== name)
    throw new Failed('site_error', `asked for ${name}, the gate service told of ${said.name}`);
  return statusOf(said) === undefined ? undefined : said;
}

/** A partition by its name, or undefined if it is sure that there is none. */
export async function find(
  site: Site,
  name: string,
  signal: AbortSignal,
): Promise<Partition | undefined> {
  const said = await lookUp(site, name, signal);
  if (said !== undefined) return show(site, said);
  const posted = await site.posted.read(name);
  if (posted !== undefined && site.now() < posted.until)
    throw new Failed('busy', `${name} was ordered, and the gate service does not show it yet`);
  return undefined;
}

/** A partition as we speak of it. Of one that was ordered here its machines' names are known. */
export async function show(site: Site, said: PartitionSaid): Promise<Partition> {
  const { id: externalId } = said;
  const name = nameOf(said);
  const posted = await site.posted.read(name);
  const seen = site.seen.get(externalId) ?? { name, at: site.now() };
  site.seen.set(externalId, seen);
  if (posted?.externalId === '') await site.posted.write(name, { ...posted, externalId });
  const { addresses, isWhole } = addressesOf(site, said, posted?.nodes);
  // What has no address cannot be reached, whatever the cloud says of it.
  const isBare = statusOf(said) === 'succeeded' && !isWhole;
  return {
    externalId,
    name,
    status: isBare ? 'creating' : (statusOf(said) ?? 'deleting'),
    description: isBare ? 'not all of its machines have an address yet' : (said.description ?? ''),
    addresses,
    installation: '',
    createdAt: createdAtOf(said) ?? posted?.at ?? seen.at,
  };
}

/** The main node has its own address, the others have those of a list, in their order. */
function addressesOf(
  { settings }: Site,
  said: PartitionSaid,
  ordered: readonly string[] | undefined,
): { readonly addresses: Readonly<Record<string, string>>; readonly isWhole: boolean } {
  const main = settings.addresses === 'public' ? said.master_public_ip : said.master_private_ip;
  const all = [main ?? '', ...(said.compute_instances_ips ?? []).map((each) => each ?? '')];
  // Those of a cluster that another head ordered are called as the scheduler calls all.
  const nodes = ordered ?? all.map((_, at) => `${nameOf(said)}-${at}`);
  const known = nodes
    .map((node, at) => [node, all[at] ?? ''] as const)
    .filter(([, address]) => address !== '');
  return { addresses: Object.fromEntries(known), isWhole: known.length === nodes.length };
}

export const flavors = async (site: Site, signal: AbortSignal): Promise<readonly Flavor[]> =>
  readFlavors(await told(offer(site, 'flavors', signal)), site.settings.provider);

export const images = async (site: Site, signal: AbortSignal): Promise<readonly Image[]> =>
  readImages(await told(offer(site, 'images', signal)));

const offer = (site: Site, what: string, signal: AbortSignal): Promise<Answer> =>
  put(site, 'GET', what, signal, { extra: `location=${site.settings.location}` });
