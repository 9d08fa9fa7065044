import { limits } from '../../protocol/limits.ts';
import type { FlavorRow, Placement, Resources, Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { covers } from '../amounts.ts';
import { amount, paidFor, priceOf } from '../price.ts';

/** What a job wants of nodes and of sites. */

/** Whether it wants a cluster of its own, whatever nodes there are. */
export const isAsked = ({ relocatable, flavor, cloudImage, storage }: Spec): boolean =>
  relocatable || flavor !== '' || cloudImage !== '' || storage.length > 0;

export function need(spec: Spec): Resources {
  const { cpus, memoryBytes, gpus, gpuKind = '', countables = {} } = spec;
  const named = { ...countables, ...(gpuKind !== '' && gpus > 0 && { [`gpu:${gpuKind}`]: gpus }) };
  const each = { cpus: Math.max(1, cpus), memoryBytes, gpus };
  return Object.keys(named).length === 0 ? each : { ...each, named };
}

/** In or out, it is listened on by the job, or for it, at the address of its node. */
export const portsOf = (spec: Spec): number[] => spec.ports.map((p) => p.port);

export const show = ({ cpus, memoryBytes, gpus, named = {} }: Resources): string =>
  [
    `${cpus} cpu${cpus === 1 ? '' : 's'}`,
    ...(memoryBytes > 0 ? [`${Math.ceil(memoryBytes / 2 ** 20)} MiB`] : []),
    ...(gpus > 0 ? [`${gpus} gpu${gpus === 1 ? '' : 's'}`] : []),
    ...Object.entries(named).map(([name, count]) => `${count} ${name}`),
  ].join(', ');

/** For how long its cluster stays, if the job asks for that. */
export const stays = (
  { keepResources }: Spec,
  { keepMs = 0 }: { readonly keepMs?: Millis },
): Pick<Placement, 'keepMs'> => (keepResources && keepMs > 0 ? { keepMs } : {});

/** The storages that its machines are to have, in one order whatever the script's is. */
export const storagesOf = ({ storage }: Spec): Pick<Made, 'storages'> =>
  storage.length === 0 ? {} : { storages: storage.toSorted() };
type Made = NonNullable<Placement['made']>;

/** Why a site is no place for one that wants storages, or '': one of those that it lacks. */
export function lacking(
  { storage }: Spec,
  { remote, storages = [] }: { readonly remote: string; readonly storages?: readonly string[] },
): string {
  const missing = storage.find((name) => !storages.includes(name));
  return missing === undefined ? '' : `${remote} has no storage ${missing.slice(0, SHOWN_CHARS)}`;
}

/** All that a site may call one; of other names the beginning suffices. */
const SHOWN_CHARS = 32;

/** What a site has to choose from. */
type Offers = {
  readonly remote: string;
  readonly defaultFlavor: string;
  readonly flavors: readonly FlavorRow[];
};

/**
 * The flavors that a job may get there, the best first: the one that it names, or else the site's
 * default if that is enough, and then the others by their price, but none that is far dearer than
 * it has to be.
 */
export function suited(spec: Spec, want: Resources, site: Offers): readonly FlavorRow[] | string {
  if (spec.flavor !== '') {
    const named = namedIn(spec, site);
    const [first] = named;
    if (first === undefined) return `${site.remote} has no flavor ${spec.flavor}`;
    const fitting = named.filter((f) => covers(f.resources, want));
    if (fitting.length > 0) return fitting.slice(0, limits.offersPerSiteMax);
    return `asks for ${show(want)}, but ${first.name} has ${show(first.resources)}`;
  }
  const enough = site.flavors.filter((f) => covers(f.resources, want));
  const standard = enough.find((f) => f.name === site.defaultFlavor);
  const [cheapest, ...others] = enough.sort((a, b) => a.price - b.price);
  if (cheapest === undefined) {
    const largest = site.flavors.reduce((a, b) => (b.resources.cpus > a.resources.cpus ? b : a));
    return (
      `asks for ${show(want)}, more than any flavor of ${site.remote} ` +
      `(the largest, ${largest.name}, has ${show(largest.resources)})`
    );
  }
  const most = Math.max(cheapest.price * limits.dearerMax, standard?.price ?? 0);
  const near = [cheapest, ...others.filter(({ price }) => price <= most)];
  const sorted = standard ? [standard, ...near.filter((f) => f !== standard)] : near;
  return sorted.slice(0, limits.offersPerSiteMax);
}

/** The flavor of that name; for who may go elsewhere also the same in other places of the site. */
function namedIn({ flavor, relocatable }: Spec, { flavors }: Offers): readonly FlavorRow[] {
  const there = relocatable ? flavors.filter(({ name }) => name.startsWith(`${flavor}@`)) : [];
  return [...flavors.filter(({ name }) => name === flavor), ...there];
}

/** Why such a cluster costs more an hour than it may, or at once more than is there, or ''. */
export function tooDear(
  { budget = 0, maxPrice = 0, nodes }: Spec,
  { name, remote, price }: FlavorRow,
  { unitMs = limits.billingUnitMs }: { readonly unitMs?: Millis },
): string {
  if (maxPrice > 0 && price * nodes > maxPrice)
    return (
      `${nodes} × ${name} at ${remote} cost ${amount(price * nodes)} an hour, ` +
      `more than its max-price of ${amount(maxPrice)}`
    );
  const rate = { perHour: price * nodes, unitMs };
  if (budget === 0 || paidFor(rate, budget) > 0) return '';
  return (
    `its budget of ${amount(budget)} does not pay for the first ${unitMs / 1_000} s of ` +
    `${nodes} × ${name} at ${remote}, which cost ${amount(priceOf(rate, unitMs))}`
  );
}
