import type { Partition, PartitionOrder } from '../../actors/ports.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isPartitionName } from '../names.ts';
import type { AzureSettings } from './settings.ts';

/** The tags by which a group, and what is in it, says whose it is. */
export const tagNames = {
  installation: 'swm-installation',
  cluster: 'swm-cluster',
  job: 'swm-job',
  owner: 'swm-owner',
  created: 'swm-created',
  /** After that day nobody of ours needs it: who finds it then may remove it. */
  expires: 'swm-expires',
  birth: 'swm-birth',
  nodes: 'swm-nodes',
  cpus: 'swm-cpus',
  network: 'swm-network',
  flavor: 'swm-flavor',
  spot: 'swm-spot',
  node: 'swm-node',
} as const;

type Tags = Readonly<Record<string, string>>;

/** A resource group of swm's, of whichever installation: one for each partition. */
export type Group = {
  readonly partition: string;
  readonly installation: string;
  /** Told apart from others of its name, before and after it. */
  readonly birth: string;
  readonly createdAt: Millis;
  /** How many machines it is to have, and the cores of all of them. */
  readonly nodes: number;
  readonly cpus: number;
  /** The range of its machines' private addresses. */
  readonly network: string;
  readonly flavor: string;
  /** Whether Azure may take its machines back. */
  readonly isSpot: boolean;
  readonly location: string;
  readonly state: string;
};

/** As the SDK tells of a group. */
type Told = {
  readonly name?: string;
  readonly location?: string;
  readonly tags?: Tags;
  readonly properties?: { readonly provisioningState?: string };
};

const DAY_MS = 86_400_000;
const TAG_CHARS = 256;
const SUFFIX = '-resource-group';

export const groupName = (partition: string): string => `${partition}${SUFFIX}`;

/** Undefined: it is nobody's of swm, and nothing is done to it. */
export function readGroup({ name = '', location = '', tags = {}, properties }: Told) {
  const { cluster, installation, birth, created, nodes, cpus, network, flavor, spot } = tagNames;
  const partition = tags[cluster] ?? '';
  const isOurs = isPartitionName(partition) && name === groupName(partition);
  if (!isOurs || !tags[installation] || !tags[birth]) return undefined;
  const group: Group = {
    partition,
    installation: tags[installation],
    birth: tags[birth],
    createdAt: Date.parse(tags[created] ?? '') || 0,
    nodes: Number(tags[nodes]) || 0,
    cpus: Number(tags[cpus]) || 0,
    network: tags[network] ?? '',
    flavor: tags[flavor] ?? '',
    isSpot: tags[spot] === 'yes',
    location,
    state: properties?.provisioningState ?? '',
  };
  return group;
}

/** The tags of a new group, which is another than all that had its name before. */
export function tagsOf(
  order: PartitionOrder,
  cpus: number,
  network: string,
  now: Millis,
  { expiresAfterDays, spot }: AzureSettings,
): Tags {
  return {
    ...commonTags(order),
    [tagNames.owner]: order.owner.slice(0, TAG_CHARS),
    [tagNames.created]: new Date(now).toISOString(),
    [tagNames.expires]: new Date(now + expiresAfterDays * DAY_MS).toISOString(),
    [tagNames.birth]: crypto.randomUUID(),
    [tagNames.nodes]: String(order.nodes.length),
    [tagNames.cpus]: String(cpus),
    [tagNames.network]: network,
    [tagNames.flavor]: order.flavor,
    ...(spot ? { [tagNames.spot]: 'yes' } : {}),
  };
}

/** The tags of each thing in a group: bills are told apart by them. */
export const commonTags = ({ installation, name, job }: PartitionOrder): Tags => ({
  [tagNames.installation]: installation,
  [tagNames.cluster]: name,
  [tagNames.job]: job,
});

const externalIdOf = (subscription: string, { partition, birth }: Group): string =>
  `/subscriptions/${subscription}/resourceGroups/${groupName(partition)}#${birth}`;

/** The partition that an external id is of, and which of its births; undefined: none of ours. */
export function readExternalId(subscription: string, externalId: string) {
  const [path = '', birth = ''] = externalId.split('#');
  const before = `/subscriptions/${subscription}/resourceGroups/`;
  if (!path.startsWith(before) || !path.endsWith(SUFFIX)) return undefined;
  const partition = path.slice(before.length, -SUFFIX.length);
  return isPartitionName(partition) && birth !== '' ? { partition, birth } : undefined;
}

/** What is known of a partition by its group alone. */
export const partitionOf = (
  subscription: string,
  group: Group,
  told: Pick<Partition, 'status' | 'description' | 'addresses' | 'evicted'>,
): Partition => ({
  externalId: externalIdOf(subscription, group),
  name: group.partition,
  status: told.status,
  description: told.description,
  addresses: told.addresses,
  installation: group.installation,
  createdAt: group.createdAt,
  ...(group.isSpot ? { evicted: told.evicted ?? [] } : {}),
});
