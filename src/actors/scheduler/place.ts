import type { FlavorRow, ImageRow, Placement, Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { choose, lacking, need, portsOf, stays, storagesOf, tooDear } from './want.ts';

export type Waiting = {
  readonly id: string;
  readonly attempt: number;
  readonly submittedAt: Millis;
  readonly notBefore: Millis;
  readonly spec: Spec;
  readonly owner?: string | undefined;
};

export type Site = {
  readonly remote: string;
  readonly clustersMax: number;
  readonly cpusMax: number;
  readonly defaultFlavor: string;
  readonly defaultImage: string;
  /** The time that it bills at least. */
  readonly unitMs?: Millis;
  /** How long it lets clusters stay for which their jobs ask. */
  readonly keepMs?: Millis;
  /** Those that it can make machines with. */
  readonly storages?: readonly string[];
  readonly flavors: readonly FlavorRow[];
  readonly images: readonly ImageRow[];
  /** What clusters made there use now. */
  readonly clusters: number;
  readonly cpus: number;
};

/** All that a place depends on, as text: what two jobs share that are of one kind. */
export function kindOf(spec: Spec): string {
  const { cpus, memoryBytes, gpus, nodes, walltimeMs, relocatable, exclusive = false } = spec;
  const each = `${Math.max(1, cpus)} ${memoryBytes} ${gpus} ${nodes} ${walltimeMs}`;
  return `${each} ${relocatable} ${exclusive} ${isPlain(spec) ? '' : oddIn(spec)}`;
}

/** Most ask for nothing else: what is made of many at once is made quickly. */
const isPlain = ({ queue, flavor, cloudImage, budget, gpuKind, ...spec }: Spec): boolean =>
  queue === '' &&
  flavor === '' &&
  cloudImage === '' &&
  !budget &&
  !gpuKind &&
  spec.ports.length === 0 &&
  spec.storage.length === 0 &&
  !spec.constraint?.length &&
  !(spec.countables && Object.keys(spec.countables).length > 0);

const oddIn = (spec: Spec): string =>
  JSON.stringify([
    ...[spec.queue, spec.flavor, spec.cloudImage, spec.budget ?? 0, spec.storage],
    ...[need(spec).named ?? {}, portsOf(spec), spec.constraint ?? []],
  ]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type OpenSite = Writable<Site>;
/** A place at a site; or why there is none now, or never. */
export type AtSite =
  | { readonly placement: Placement }
  | { readonly placement?: undefined; readonly why: string; readonly never: boolean };

const no = (why: string, never = false): AtSite => ({ why, never });

/** A cluster to be made, at the first site that has room for it, which has less from then on. */
export function atSite(job: Waiting, sites: OpenSite[]): AtSite {
  if (sites.length === 0) return no('no site is configured that could make a cluster for it', true);
  const whys: AtSite[] = [];
  for (const site of sites) {
    const found = atOneSite(job, site);
    if (found.placement !== undefined) return found;
    whys.push(found);
  }
  const texts = whys.map((w) => (w.placement === undefined ? w.why : ''));
  return no(
    texts.join('; '),
    whys.every((w) => w.placement === undefined && w.never),
  );
}

function atOneSite(job: Waiting, site: OpenSite): AtSite {
  const { spec } = job;
  const want = need(spec);
  const missing = lacking(spec, site);
  if (missing !== '') return no(missing, true);
  const [label] = spec.constraint ?? [];
  if (label !== undefined) return no(`${site.remote} has no machines labelled ${label}`, true);
  if (site.flavors.length === 0) return no(`${site.remote} has not told its flavors yet`);
  const flavor = choose(spec, want, site);
  if (typeof flavor === 'string') return no(flavor, true);
  const image = spec.cloudImage === '' ? site.defaultImage : spec.cloudImage;
  // A site without one that it was told to take chooses itself.
  if (image !== '' && !site.images.some((i) => i.name === image))
    return no(`${site.remote} has no image ${image}`, true);
  const dear = tooDear(spec, flavor, site);
  if (dear !== '') return no(dear, true);
  const cpus = flavor.resources.cpus * spec.nodes;
  const wish = `needs ${spec.nodes} × ${flavor.name} (${cpus} cpus) at ${site.remote}`;
  if (cpus > site.cpusMax || site.clustersMax < 1)
    return no(`${wish}, which has ${site.cpusMax} cpus in all`, true);
  if (site.clusters + 1 > site.clustersMax)
    return no(`${wish}; ${site.clusters} of its ${site.clustersMax} clusters are in use`);
  if (site.cpus + cpus > site.cpusMax)
    return no(`${wish}; ${site.cpusMax - site.cpus} of its ${site.cpusMax} cpus are free`);
  site.clusters += 1;
  site.cpus += cpus;
  const cluster = `swm-${job.id.slice(0, 8)}`;
  const { remote, unitMs } = site;
  const bills = unitMs === undefined ? {} : { unitMs };
  return {
    placement: {
      cluster,
      nodes: Array.from({ length: spec.nodes }, (_, i) => `${cluster}-${i}`),
      made: {
        remote,
        flavor: flavor.name,
        image,
        price: flavor.price,
        ...bills,
        ...storagesOf(spec),
      },
      resources: want,
      ports: portsOf(spec),
      ...stays(spec, site),
    },
  };
}
