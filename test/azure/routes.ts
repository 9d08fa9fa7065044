import type { Order } from './machines.ts';
import type { Kind } from './manners.ts';
import { priceRows, skuRows, usageRows } from './offers.ts';
import { type Body, type Group, type Machine, Refused, type Site, type Thing } from './site.ts';

/** A request, as far as its answer depends on it. */
export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** `https://host:port` of the fake. */
  readonly base: string;
};

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

type Match = (asked: Asked, site: Site, ...parts: string[]) => Answer;
type Route = {
  readonly kind: Kind;
  readonly pattern: RegExp;
  readonly versions: readonly string[];
} & Partial<Record<'GET' | 'PUT' | 'DELETE', Match>>;

const PAGE = 2;
const OF_GROUPS = ['2025-04-01'];
const OF_NETWORKS = ['2025-05-01'];
const OF_MACHINES = ['2026-04-01'];
const sub = '^/subscriptions/[^/]+';
const inGroup = `${sub}/resourcegroups/([^/]+)`;
const machines = `${inGroup}/providers/microsoft\\.compute/virtualmachines`;

/** Answers a page of rows, and says where the next one is. */
function paged(asked: Asked, rows: readonly unknown[], link: 'nextLink' | 'NextPageLink'): Answer {
  const skip = Number(asked.query.get('$skiptoken') ?? 0);
  const list = link === 'nextLink' ? 'value' : 'Items';
  const body: Record<string, unknown> = { [list]: rows.slice(skip, skip + PAGE) };
  if (rows.length > skip + PAGE) {
    const query = new URLSearchParams(asked.query);
    query.set('$skiptoken', String(skip + PAGE));
    body[link] = `${asked.base}${asked.path}?${query}`;
  }
  return { status: 200, body };
}

const groupBody = ({ name, location, tags, state }: Group): object => ({
  id: `/subscriptions/x/resourceGroups/${name}`,
  name,
  location,
  tags,
  properties: { provisioningState: state },
});

const thingBody = ({ id, body, isReady, address }: Thing): object => ({
  ...body,
  id,
  properties: {
    ...(body['properties'] as object),
    ...(address === '' ? {} : { ipAddress: address }),
    provisioningState: isReady ? 'Succeeded' : 'Updating',
  },
});

/** What was secret at the order is shown to nobody. */
function machineBody({ body, order, state }: Machine): object {
  const { osProfile, ...rest } = body['properties'] as { osProfile: Body };
  const { customData: _, ...profile } = osProfile;
  return {
    ...body,
    name: order.name,
    properties: { ...rest, osProfile: profile, provisioningState: state },
  };
}

function viewBody({ state, power, failure }: Machine): object {
  const provisioning =
    failure === undefined
      ? { code: `ProvisioningState/${state.toLowerCase()}`, level: 'Info' }
      : {
          code: `ProvisioningState/failed/${failure.code}`,
          level: 'Error',
          message: failure.message,
        };
  return { statuses: [provisioning, { code: `PowerState/${power}`, level: 'Info' }] };
}

const accepted = (base: string, status: number, operation: string, body?: object): Answer => ({
  status,
  body,
  headers: { 'azure-asyncoperation': `${base}/operations/${operation}?api-version=1` },
});

function putThing({ path, body, base }: Asked, site: Site, group: string): Answer {
  const { thing, operation } = site.putThing(group, path, body);
  return operation === ''
    ? { status: 200, body: thingBody(thing) }
    : accepted(base, 201, operation, thingBody(thing));
}

function getThing({ path }: Asked, site: Site, group: string): Answer {
  const thing = site.group(group).things.get(path);
  if (thing === undefined) throw new Refused(404, 'ResourceNotFound', `${path} was not found.`);
  return { status: 200, body: thingBody(thing) };
}

function machineNamed(site: Site, group: string, name: string): Machine {
  const machine = site.group(group).machines.get(name);
  if (machine !== undefined) return machine;
  throw new Refused(404, 'ResourceNotFound', `The machine ${name} was not found.`);
}

function putMachine({ body, base }: Asked, site: Site, group: string, name: string): Answer {
  const order = orderOf(site, group, name, body);
  const { machine, operation, isNew } = site.putMachine(group, body, order);
  return isNew
    ? accepted(base, 201, operation, machineBody(machine))
    : { status: 200, body: machineBody(machine) };
}

type Profile = {
  readonly hardwareProfile: { readonly vmSize: string };
  readonly networkProfile: { readonly networkInterfaces: readonly { readonly id: string }[] };
  readonly osProfile: {
    readonly adminUsername: string;
    readonly customData: string;
    readonly linuxConfiguration: {
      readonly ssh: { readonly publicKeys: readonly { readonly keyData: string }[] };
    };
  };
  readonly priority?: string;
};

function orderOf(site: Site, group: string, name: string, body: Body): Order {
  const profile = body['properties'] as Profile;
  const { things } = site.group(group);
  const card = things.get(profile.networkProfile.networkInterfaces[0]!.id.toLowerCase());
  const text = JSON.stringify(card?.body ?? {});
  const publicId = /"publicIPAddress":\{"id":"([^"]+)"/.exec(text)?.[1]?.toLowerCase();
  const { adminUsername, customData, linuxConfiguration } = profile.osProfile;
  return {
    group,
    name,
    tags: (body['tags'] ?? {}) as Order['tags'],
    size: profile.hardwareProfile.vmSize,
    user: adminUsername,
    publicKey: linuxConfiguration.ssh.publicKeys[0]!.keyData,
    customData: Buffer.from(customData, 'base64').toString(),
    privateAddress: /"privateIPAddress":"([^"]+)"/.exec(text)?.[1] ?? '',
    publicAddress: publicId === undefined ? '' : (things.get(publicId)?.address ?? ''),
    isSpot: profile.priority === 'Spot',
  };
}

function operationOf({ path }: Asked, site: Site): Answer {
  const operation = site.operations.get(path.split('/').at(-1)!);
  if (operation === undefined) throw new Refused(404, 'NotFound', 'no such operation');
  const { state, failure } = operation;
  return { status: 200, body: { status: state, ...(failure && { error: failure }) } };
}

const routes: readonly Route[] = [
  {
    kind: 'groups',
    pattern: new RegExp(`${sub}/resourcegroups$`),
    versions: OF_GROUPS,
    GET(asked, site) {
      const tag = /tagName eq '([^']+)'/.exec(asked.query.get('$filter') ?? '')?.[1];
      const rows = site.shown().filter(({ tags }) => tag === undefined || tag in tags);
      return paged(asked, rows.map(groupBody), 'nextLink');
    },
  },
  {
    kind: 'group',
    pattern: new RegExp(`${inGroup}$`),
    versions: OF_GROUPS,
    GET: (_, site, name) => ({ status: 200, body: groupBody(site.group(name!)) }),
    PUT({ body }, site, name) {
      const { group, isNew } = site.putGroup(name!, body);
      return { status: isNew ? 201 : 200, body: groupBody(group) };
    },
    DELETE({ base }, site, name) {
      const operation = site.deleteGroup(name!);
      return { status: 202, headers: { location: `${base}/removals/${operation}?api-version=1` } };
    },
  },
  {
    kind: 'view',
    pattern: new RegExp(`${machines}/([^/]+)/instanceview$`),
    versions: OF_MACHINES,
    GET: (_, site, group, name) => ({
      status: 200,
      body: viewBody(machineNamed(site, group!, name!)),
    }),
  },
  {
    kind: 'machine',
    pattern: new RegExp(`${machines}/([^/]+)$`),
    versions: OF_MACHINES,
    GET: (_, site, group, name) => ({
      status: 200,
      body: machineBody(machineNamed(site, group!, name!)),
    }),
    PUT: (asked, site, group, name) => putMachine(asked, site, group!, name!),
  },
  {
    kind: 'machines',
    pattern: new RegExp(`${machines}$`),
    versions: OF_MACHINES,
    GET(asked, site, group) {
      const rows = [...site.group(group!).machines.values()];
      return paged(asked, rows.map(machineBody), 'nextLink');
    },
  },
  {
    kind: 'thing',
    pattern: new RegExp(`${inGroup}/providers/microsoft\\.network/[a-z]+/[^/]+$`),
    versions: OF_NETWORKS,
    GET: (asked, site, group) => getThing(asked, site, group!),
    PUT: (asked, site, group) => putThing(asked, site, group!),
  },
  {
    kind: 'skus',
    pattern: new RegExp(`${sub}/providers/microsoft\\.compute/skus$`),
    versions: ['2021-07-01'],
    GET(asked) {
      const location = /location eq '([^']+)'/.exec(asked.query.get('$filter') ?? '')?.[1] ?? '';
      return paged(asked, skuRows(location), 'nextLink');
    },
  },
  {
    kind: 'usages',
    pattern: new RegExp(`${sub}/providers/microsoft\\.compute/locations/[^/]+/usages$`),
    versions: OF_MACHINES,
    GET: (asked, site) => paged(asked, usageRows(site.manners.cores), 'nextLink'),
  },
  { kind: 'operation', pattern: /^\/operations\/[^/]+$/, versions: ['1'], GET: operationOf },
  {
    kind: 'operation',
    pattern: /^\/removals\/[^/]+$/,
    versions: ['1'],
    GET(asked, site) {
      const { body } = operationOf(asked, site) as { body: { status: string; error?: Body } };
      if (body.status === 'InProgress')
        return { status: 202, headers: { location: `${asked.base}${asked.path}?api-version=1` } };
      return body.error === undefined ? { status: 200 } : { status: 409, body };
    },
  },
  {
    kind: 'prices',
    pattern: /^\/api\/retail\/prices$/,
    versions: [],
    GET(asked) {
      const filter = asked.query.get('$filter') ?? '';
      const location = /armRegionName eq '([^']+)'/.exec(filter)?.[1] ?? '';
      return paged(asked, priceRows(location), 'NextPageLink');
    },
  },
];

/** What a request is about. */
export const kindOf = (path: string): Kind =>
  routes.find(({ pattern }) => pattern.test(path))?.kind ?? 'unknown';

/** Does what is asked, and answers; what is refused is an answer too. */
export function answer(asked: Asked, site: Site): Answer {
  try {
    const route = routes.find(({ pattern }) => pattern.test(asked.path));
    const act = route?.[asked.method as 'GET'];
    if (route === undefined || act === undefined)
      throw new Refused(405, 'MethodNotAllowed', `${asked.method} ${asked.path}`);
    const version = asked.query.get('api-version') ?? '';
    if (route.versions.length > 0 && !route.versions.includes(version))
      throw new Refused(400, 'InvalidApiVersionParameter', `${version} for ${asked.path}`);
    return act(asked, site, ...(route.pattern.exec(asked.path) ?? []).slice(1));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { status, code, message } = error;
    return { status, body: { error: { code, message } } };
  }
}
