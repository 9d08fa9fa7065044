import type { FlavorRow, ImageRow, Placement, Spec } from '../../protocol/model.ts';
import type { FlavorPast } from '../../protocol/repute-shapes.ts';
import type { Millis } from '../../runtime/ports.ts';
import { inWords, type Market, type Not, type Offer, offersFor, offerText } from './offers.ts';
import { need, portsOf, stays, storagesOf } from './want.ts';

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
  /** How it went there before, as far as is known. */
  readonly past?: readonly FlavorPast[];
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
const isPlain = ({ queue, flavor, cloudImage, gpuKind, ...spec }: Spec): boolean =>
  queue === '' &&
  flavor === '' &&
  cloudImage === '' &&
  !gpuKind &&
  !spec.budget &&
  !spec.maxPrice &&
  !spec.deadlineMs &&
  spec.ports.length === 0 &&
  spec.storage.length === 0 &&
  !spec.constraint?.length &&
  !(spec.countables && Object.keys(spec.countables).length > 0);

const oddIn = (spec: Spec): string =>
  JSON.stringify([
    ...[spec.queue, spec.flavor, spec.cloudImage, spec.budget ?? 0, spec.storage],
    ...[spec.maxPrice ?? 0, spec.deadlineMs ?? 0],
    ...[need(spec).named ?? {}, portsOf(spec), spec.constraint ?? []],
  ]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type OpenSite = Writable<Site>;
/** A place at a site; or why there is none now, or never. */
export type AtSite =
  | { readonly placement: Placement }
  | {
      readonly placement?: undefined;
      readonly why: string;
      readonly never: boolean;
      /** There is one, and the job rather does without. */
      readonly isRather?: boolean;
    };

const no = (why: string, never = false): AtSite => ({ why, never });

/**
 * A cluster to be made: the best offer for which its site has room, and which then has less. None
 * is made if the job rather does without.
 */
export function atSite(
  job: Waiting,
  sites: OpenSite[],
  market: Market,
  isRather: (offer: Offer) => boolean = () => false,
): AtSite {
  if (sites.length === 0) return no('no site is configured that could make a cluster for it', true);
  const { offers, nots } = offersFor(job, sites, market);
  const full: Full[] = [];
  for (const offer of offers) {
    const { site } = offer;
    const cpus = offer.flavor.resources.cpus * job.spec.nodes;
    // Where there is no room for less there is none for as much.
    if (full.some((each) => each.site === site && each.cpus <= cpus)) continue;
    const not = noRoom(job.spec, offer, cpus);
    if (not !== undefined) full.push({ site, cpus, ...not });
    else if (isRather(offer)) {
      const why = `${offerText(offer, job.spec)}: it rather waits for nodes`;
      return { why, never: false, isRather: true };
    } else return { placement: made(job, offer) };
  }
  const all = [...full, ...nots];
  const inOrder = all.toSorted((a, b) => sites.indexOf(a.site) - sites.indexOf(b.site));
  return no(
    inWords(inOrder),
    all.every(({ never }) => never),
  );
}

type Full = Not & { readonly cpus: number };

/** Why its site has no room for an offer, for now or ever; undefined: it has. */
function noRoom(
  { nodes }: Spec,
  { site, flavor }: Offer,
  cpus: number,
): Omit<Not, 'site'> | undefined {
  const { remote, clustersMax, cpusMax } = site;
  const wish = `needs ${nodes} × ${flavor.name} (${cpus} cpus) at ${remote}`;
  const not = (why: string, never = false) => ({ why: `${wish}${why}`, never });
  if (cpus > cpusMax || clustersMax < 1) return not(`, which has ${cpusMax} cpus in all`, true);
  if (site.clusters + 1 > clustersMax)
    return not(`; ${site.clusters} of its ${clustersMax} clusters are in use`);
  if (site.cpus + cpus <= cpusMax) return undefined;
  return not(`; ${cpusMax - site.cpus} of its ${cpusMax} cpus are free`);
}

function made({ id, spec }: Waiting, { site, flavor }: Offer): Placement {
  site.clusters += 1;
  site.cpus += flavor.resources.cpus * spec.nodes;
  const cluster = `swm-${id.slice(0, 8)}`;
  const { remote, unitMs } = site;
  return {
    cluster,
    nodes: Array.from({ length: spec.nodes }, (_, i) => `${cluster}-${i}`),
    made: {
      ...{ remote, flavor: flavor.name, price: flavor.price },
      image: spec.cloudImage === '' ? site.defaultImage : spec.cloudImage,
      ...(unitMs !== undefined && { unitMs }),
      ...storagesOf(spec),
    },
    resources: need(spec),
    ports: portsOf(spec),
    ...stays(spec, site),
  };
}
