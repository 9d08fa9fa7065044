import Type, { type Static } from 'typebox';
import type { Flavor, Image } from '../../actors/ports.ts';
import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { Bytes, bytesOf, checkGiven, Name } from '../given.ts';

/** What this machine plays a site with. */
export type LocalSettings = {
  /** Absolute, where its machines are kept; '' is below the spool of the head. */
  readonly folder: string;
  /** Clusters that may exist at once. */
  readonly clusters: number;
  /** Cpus that all of them may have together; more than there are is no harm for idle jobs. */
  readonly cpus: number;
  /** How long a machine takes before its worker starts, as in a cloud. */
  readonly bootDelayMs: number;
  /** The share of clusters that fail to boot, from 0 to 1, and what the site then says. */
  readonly failureRate: number;
  readonly failureText: string;
  /** The share of clusters that are taken back, as spot machines are; and when, and how soon. */
  readonly evictionRate: number;
  readonly evictAfterMs: number;
  readonly evictionNoticeMs: number;
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
};

const Milliseconds = Type.Integer({ minimum: 0, maximum: 2 ** 40 });

const FlavorGiven = Type.Object({
  cpus: Type.Integer({ minimum: 1, maximum: limits.cpusMax }),
  memory: Bytes,
  gpus: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.gpusMax })),
  storage: Type.Optional(Bytes),
  price: Type.Optional(Type.Number({ minimum: 0 })),
});

const Given = Type.Object({
  folder: Type.Optional(Type.String({ pattern: '^/', maxLength: 1000 })),
  clusters: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  bootDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.createMsMax })),
  failureRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  failureText: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  evictionRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  evictAfterMs: Type.Optional(Milliseconds),
  evictionNoticeMs: Type.Optional(Milliseconds),
  flavors: Type.Optional(Type.Record(Name, FlavorGiven)),
  images: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 1000 })),
});

const flavorsByDefault: Readonly<Record<string, Static<typeof FlavorGiven>>> = {
  tiny: { cpus: 1, memory: '512MiB', price: 0.01 },
  small: { cpus: 2, memory: '2GiB', price: 0.04 },
  medium: { cpus: 4, memory: '8GiB', price: 0.12 },
  large: { cpus: 8, memory: '16GiB', price: 0.24 },
};

/** Checks what the config says of a local site; `at` is the path of that place in the config. */
export function readSettings(given: unknown, at: string): LocalSettings {
  const settings = checkGiven(Given, given ?? {}, at);
  const flavors = Object.entries(settings.flavors ?? flavorsByDefault);
  if (flavors.length === 0) throw new Malformed(`${at}.flavors`, 'needs one at least');
  return {
    folder: settings.folder ?? '',
    clusters: settings.clusters ?? 16,
    cpus: settings.cpus ?? 64,
    bootDelayMs: settings.bootDelayMs ?? 0,
    failureRate: settings.failureRate ?? 0,
    evictionRate: settings.evictionRate ?? 0,
    evictAfterMs: settings.evictAfterMs ?? 60_000,
    evictionNoticeMs: settings.evictionNoticeMs ?? 30_000,
    failureText: settings.failureText ?? 'Allocation failed: the site was told to fail at times.',
    flavors: flavors.map(([name, flavor]) => flavorOf(name, flavor, `${at}.flavors.${name}`)),
    images: (settings.images ?? ['host']).map((name) => ({ name, kind: 'cloud' })),
  };
}

function flavorOf(name: string, given: Static<typeof FlavorGiven>, at: string): Flavor {
  return {
    name,
    resources: {
      cpus: given.cpus,
      memoryBytes: bytesOf(given.memory, `${at}.memory`),
      gpus: given.gpus ?? 0,
    },
    storageBytes: bytesOf(given.storage ?? 0, `${at}.storage`),
    price: given.price ?? 0,
  };
}
