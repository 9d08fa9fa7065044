import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import type { Flavor, Resources } from '../../actors/ports.ts';
import { type HostKey, readHostKey } from '../../platform/ssh/host-key.ts';
import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { checkPlace } from '../bootstrap/machine.ts';
import { Bytes, bytesOf, checkGiven, Name } from '../given.ts';
import type { Room } from '../offers.ts';

/** A host that we are given. */
export type Host = {
  /** Eight digits by which partitions name it: of where it is, and of nothing else. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The file of a private key. */
  readonly key: string;
  readonly hostKey: HostKey | undefined;
  /** Where swm may keep things on it; whoever gives it to two installations gives both the same. */
  readonly directory: string;
  readonly flavor: string;
  readonly resources: Resources;
  /** An operator says that it is no more, and all that was on it. */
  readonly isLost: boolean;
};

export type SshSettings = Room & {
  readonly hosts: readonly Host[];
  /** The file of the worker archive; '' finds or makes one. */
  readonly archive: string;
};

const path = Type.String({ pattern: '^/', maxLength: 1000 });
const access = {
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  user: Type.Optional(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9._-]{0,63}$' })),
  key: Type.Optional(path),
  directory: Type.Optional(path),
};

const HostGiven = Type.Object(
  {
    ...access,
    address: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.:_-]{0,254}$' }),
    hostKey: Type.Optional(Type.String({ maxLength: 4_096 })),
    flavor: Type.Optional(Name),
    cpus: Type.Integer({ minimum: 1, maximum: limits.cpusMax }),
    memory: Bytes,
    gpus: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.gpusMax })),
    lost: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const Given = Type.Object({
  ...access,
  archive: Type.Optional(path),
  clusters: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  hosts: Type.Array(HostGiven, { minItems: 1, maxItems: 1_000 }),
});

/** Checks what the config says of a site of hosts; `at` is the path of that place in the config. */
export function readSettings(given: unknown, at: string): SshSettings {
  const settings = checkGiven(Given, given ?? {}, at);
  const hosts = settings.hosts.map((host, i) => hostOf(settings, host, `${at}.hosts.${i}`));
  const twice = hosts.find(({ id }, i) => hosts.findIndex((other) => other.id === id) !== i);
  if (twice !== undefined) throw new Malformed(`${at}.hosts`, `${twice.address} is there twice`);
  return {
    hosts,
    archive: settings.archive ?? '',
    clusters: settings.clusters ?? hosts.length,
    cpus: settings.cpus ?? hosts.reduce((sum, { resources }) => sum + resources.cpus, 0),
    flavors: flavorsOf(hosts, at),
    images: [{ name: 'host', kind: 'cloud' }],
  };
}

function hostOf(site: Static<typeof Given>, given: Static<typeof HostGiven>, at: string): Host {
  const { address, cpus, gpus = 0 } = given;
  const port = given.port ?? site.port ?? 22;
  const key = given.key ?? site.key;
  if (key === undefined) throw new Malformed(`${at}.key`, 'the path of a private key');
  const directory = given.directory ?? site.directory ?? '/opt/swm';
  const memoryBytes = bytesOf(given.memory, `${at}.memory`);
  const resources = { cpus, memoryBytes, gpus };
  return {
    id: createHash('sha256').update(`${address}\n${port}\n${directory}`).digest('hex').slice(0, 8),
    address,
    port,
    user: given.user ?? site.user ?? 'root',
    key,
    hostKey: given.hostKey === undefined ? undefined : readHostKey(given.hostKey, `${at}.hostKey`),
    directory: checkPlace(directory, `${at}.directory`),
    flavor: given.flavor ?? shapeOf(resources),
    resources,
    isLost: given.lost ?? false,
  };
}

/** What hosts are called that were given no flavor: those of one shape alike. */
const shapeOf = ({ cpus, memoryBytes, gpus }: Resources): string =>
  `${cpus}-cpus-${Math.round(memoryBytes / 2 ** 30)}-gib${gpus === 0 ? '' : `-${gpus}-gpus`}`;

/** The distinct shapes of hosts; those of one name have the least of what any of them has. */
function flavorsOf(hosts: readonly Host[], at: string): readonly Flavor[] {
  const flavors = new Map<string, Flavor>();
  for (const { flavor: name, resources } of hosts) {
    const known = flavors.get(name)?.resources ?? resources;
    if (known.cpus !== resources.cpus || known.gpus !== resources.gpus)
      throw new Malformed(`${at}.hosts`, `hosts of the flavor ${name} are not alike`);
    const memoryBytes = Math.min(known.memoryBytes, resources.memoryBytes);
    flavors.set(name, { name, resources: { ...known, memoryBytes }, storageBytes: 0, price: 0 });
  }
  return [...flavors.values()];
}
