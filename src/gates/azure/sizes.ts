import type { ResourceSku } from '@azure/arm-compute';
import type { Resources } from '../../actors/ports.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Arm } from './arm.ts';
import type { AzureSettings } from './settings.ts';

/** A size of machine in one location. */
export type Size = {
  /** As jobs call it: `NAME` where the first location is meant, else `NAME@LOCATION`. */
  readonly flavor: string;
  readonly name: string;
  readonly location: string;
  readonly resources: Resources;
  /** Of its temporary disk. */
  readonly storageBytes: number;
};

export type Sizes = {
  readonly offered: readonly Size[];
  /** Why the subscription cannot have one that the location has, by the flavor's name. */
  readonly withheld: ReadonlyMap<string, string>;
};

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** The sizes of all locations, those that the subscription may not have set apart. */
export async function loadSizes(
  { compute }: Arm,
  settings: AzureSettings,
  signal: AbortSignal,
): Promise<Sizes> {
  const offered: Size[] = [];
  const withheld = new Map<string, string>();
  for (const location of settings.locations) {
    const quotas = await loadQuotas(compute, location, signal);
    const filter = `location eq '${location}'`;
    for await (const sku of compute.resourceSkus.list({ filter, abortSignal: signal })) {
      const size = readSize(sku, location, settings);
      if (size === undefined) continue;
      const why = whyNot(sku, size, quotas, settings);
      if (why === '') offered.push(size);
      else withheld.set(size.flavor, why);
    }
  }
  return { offered, withheld };
}

/** The most cores that the subscription may have, by family. */
async function loadQuotas(
  compute: Arm['compute'],
  location: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const quotas = new Map<string, number>();
  for await (const { name, limit } of compute.usage.list(location, { abortSignal: signal }))
    quotas.set((name.value ?? '').toLowerCase(), limit);
  return quotas;
}

function readSize(
  sku: ResourceSku,
  location: string,
  { locations, flavors }: AzureSettings,
): Size | undefined {
  const { name = '', resourceType, capabilities = [] } = sku;
  const flavor = location === locations[0] ? name : `${name}@${location}`;
  const isWanted = flavors.length === 0 || flavors.includes(name);
  if (resourceType !== 'virtualMachines' || !isWanted) return undefined;
  const has = new Map(capabilities.map((each) => [each.name ?? '', Number(each.value) || 0]));
  const cpus = has.get('vCPUs') ?? 0;
  if (cpus === 0) return undefined;
  const resources = {
    cpus,
    memoryBytes: Math.floor((has.get('MemoryGB') ?? 0) * GIB),
    gpus: has.get('GPUs') ?? 0,
  };
  const storageBytes = (has.get('MaxResourceVolumeMB') ?? 0) * MIB;
  return { flavor, name, location, resources, storageBytes };
}

/** Spot machines have a quota of their own, whatever their family. */
const SPOT_QUOTA = 'lowprioritycores';

function whyNot(
  sku: ResourceSku,
  { location, resources: { cpus } }: Size,
  quotas: ReadonlyMap<string, number>,
  { spot }: AzureSettings,
): string {
  const { restrictions = [], capabilities = [], family = '' } = sku;
  const closed = restrictions.find(({ type }) => type === 'Location');
  if (closed !== undefined)
    return `Azure does not offer it to this subscription in ${location}: ${closed.reasonCode}`;
  const isSpot = capabilities.some((c) => c.name === 'LowPriorityCapable' && c.value === 'True');
  if (spot && !isSpot) return 'there are no spot machines of it';
  for (const quota of spot ? [SPOT_QUOTA] : ['cores', family]) {
    const limit = quotas.get(quota.toLowerCase()) ?? Number.POSITIVE_INFINITY;
    if (limit < cpus)
      return `${cpus} cores, and the quota ${quota} of the subscription in ${location} is ${limit}`;
  }
  return '';
}

export type SizesOf = (maxAgeMs: Millis, signal: AbortSignal) => Promise<Sizes>;

/** Keeps what was loaded for those who take it as old as that. */
export function keepSizes(
  load: (signal: AbortSignal) => Promise<Sizes>,
  now: () => Millis,
): SizesOf {
  let kept: { readonly at: Millis; readonly sizes: Sizes } | undefined;
  return async (maxAgeMs, signal) => {
    const at = now();
    if (kept !== undefined && at - kept.at < maxAgeMs) return kept.sizes;
    const sizes = await load(signal);
    kept = { at, sizes };
    return sizes;
  };
}
