import type { VirtualMachine } from '@azure/arm-compute';
import type { GenericResource } from '@azure/arm-resources';
import type { PartitionOrder } from '../../actors/ports.ts';
import { commonTags, groupName, tagNames } from './group.ts';
import type { AzureSettings, ImageReference } from './settings.ts';
import { addressIn } from './subnet.ts';

/** A thing of a group that is neither group nor machine: its id, and the body that makes it. */
export type Thing = {
  readonly id: string;
  readonly apiVersion: string;
  readonly body: GenericResource;
};

const NETWORK = '2025-05-01';
const OPEN_PRIORITY = 100;
const CLOSED_PRIORITY = 4096;

/** What the bodies of one partition have in common. */
export type Ground = {
  readonly settings: AzureSettings;
  readonly order: PartitionOrder;
  readonly location: string;
  /** The range of its private addresses. */
  readonly network: string;
};

/** The name of a machine, which is that of its node in the end: Azure allows fewer characters. */
export const machineName = ({ order }: Ground, at: number): string => `${order.name}-${at}`;

const idOf = (subscription: string, partition: string, kind: string, name: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${groupName(partition)}` +
  `/providers/Microsoft.Network/${kind}/${name}`;

function thing(ground: Ground, kind: string, name: string, rest: Partial<GenericResource>): Thing {
  const tags = commonTags(ground.order);
  const body = { location: ground.location, tags, ...rest };
  const { subscription } = ground.settings;
  return { id: idOf(subscription, ground.order.name, kind, name), apiVersion: NETWORK, body };
}

/** Who may reach the machines: the others of the cluster, and of the world nobody. */
export function securityGroup(ground: Ground): Thing {
  const { headAddresses, ssh } = ground.settings;
  const port = String(ssh.port);
  const heads = rule('ssh-from-heads', OPEN_PRIORITY, 'Allow', 'Tcp', port, headAddresses);
  const world = rule('closed-to-the-world', CLOSED_PRIORITY, 'Deny', '*', '*', ['Internet']);
  const securityRules = headAddresses.length === 0 ? [world] : [heads, world];
  const name = `${ground.order.name}-security`;
  return thing(ground, 'networkSecurityGroups', name, { properties: { securityRules } });
}

const rule = (
  name: string,
  priority: number,
  access: 'Allow' | 'Deny',
  protocol: string,
  port: string,
  from: readonly string[],
) => ({
  name,
  properties: {
    priority,
    access,
    protocol,
    direction: 'Inbound',
    sourcePortRange: '*',
    destinationPortRange: port,
    destinationAddressPrefix: '*',
    ...(from.length === 1
      ? { sourceAddressPrefix: from[0] }
      : { sourceAddressPrefixes: [...from] }),
  },
});

export function virtualNetwork(ground: Ground): Thing {
  const { settings, order, network: range } = ground;
  const subnet = {
    name: 'nodes',
    properties: {
      addressPrefix: range,
      networkSecurityGroup: { id: securityGroup(ground).id },
      // Without an address of its own a machine reaches the heads by the site's shared one.
      defaultOutboundAccess: !settings.publicAddress,
    },
  };
  return thing(ground, 'virtualNetworks', `${order.name}-network`, {
    properties: { addressSpace: { addressPrefixes: [range] }, subnets: [subnet] },
  });
}

const ADDRESSES = 'publicIPAddresses';
const addressName = (machine: string): string => `${machine}-address`;

/** Where to ask for the public address of a machine, without the slash in front. */
export const addressPlace = (
  { subscription }: AzureSettings,
  partition: string,
  machine: string,
) => ({
  path: idOf(subscription, partition, ADDRESSES, addressName(machine)).slice(1),
  apiVersion: NETWORK,
});

export const publicAddress = (ground: Ground, at: number): Thing =>
  thing(ground, ADDRESSES, addressName(machineName(ground, at)), {
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4' },
  });

/** Its private address is ours to choose, so that nobody has to be asked for it. */
export function networkCard(ground: Ground, at: number): Thing {
  const { settings } = ground;
  const outside = settings.publicAddress
    ? {
        publicIPAddress: {
          id: publicAddress(ground, at).id,
          properties: { deleteOption: 'Delete' },
        },
      }
    : {};
  const configuration = {
    name: 'main',
    properties: {
      subnet: { id: `${virtualNetwork(ground).id}/subnets/nodes` },
      privateIPAllocationMethod: 'Static',
      privateIPAddress: addressIn(ground.network, at),
      ...outside,
    },
  };
  return thing(ground, 'networkInterfaces', `${machineName(ground, at)}-card`, {
    properties: { ipConfigurations: [configuration] },
  });
}

/** What a machine is besides its place in the cluster. */
export type Kind = {
  readonly size: string;
  readonly image: ImageReference;
  /** In the form of `authorized_keys`. */
  readonly publicKey: string;
  readonly customData: string;
  /** Resources of the managed identities that it has. */
  readonly identities: readonly string[];
};

/** A spot machine that is evicted stays, switched off: so what became of it can still be read. */
export function machine(ground: Ground, at: number, kind: Kind): VirtualMachine {
  const { settings, order, location } = ground;
  const { user } = settings.ssh;
  const spot = {
    priority: 'Spot',
    evictionPolicy: 'Deallocate',
    billingProfile: { maxPrice: -1 },
  };
  const keys = [{ path: `/home/${user}/.ssh/authorized_keys`, keyData: kind.publicKey }];
  return {
    location,
    tags: { ...commonTags(order), [tagNames.node]: order.nodes[at] ?? '' },
    hardwareProfile: { vmSize: kind.size },
    storageProfile: {
      imageReference:
        kind.image.id === undefined ? { version: 'latest', ...kind.image } : kind.image,
      osDisk: {
        createOption: 'FromImage',
        deleteOption: 'Delete',
        ...(settings.diskGiB === 0 ? {} : { diskSizeGB: settings.diskGiB }),
      },
    },
    osProfile: {
      computerName: machineName(ground, at),
      adminUsername: user,
      customData: Buffer.from(kind.customData).toString('base64'),
      linuxConfiguration: { disablePasswordAuthentication: true, ssh: { publicKeys: keys } },
    },
    networkProfile: {
      networkInterfaces: [{ id: networkCard(ground, at).id, deleteOption: 'Delete' }],
    },
    ...(settings.spot ? spot : {}),
    ...(kind.identities.length > 0 && { identity: identityOf(kind.identities) }),
  };
}

const identityOf = (ids: readonly string[]) => ({
  type: 'UserAssigned' as const,
  userAssignedIdentities: Object.fromEntries(ids.map((id) => [id, {}])),
});
