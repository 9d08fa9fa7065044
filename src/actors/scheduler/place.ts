import type { FlavorRow, ImageRow, Placement, Resources, Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  choose,
  covers,
  isAsked,
  lacking,
  need,
  portsOf,
  show,
  stays,
  storagesOf,
  tooDear,
} from './want.ts';
import { onWarm, type Warm } from './warm.ts';

export type Waiting = {
  readonly id: string;
  readonly attempt: number;
  readonly submittedAt: Millis;
  readonly notBefore: Millis;
  readonly spec: Spec;
  readonly owner?: string;
};

export type FreeNode = {
  readonly name: string;
  readonly cluster: string;
  /** One that is silent may come back, and counts for what could ever run. */
  readonly up: boolean;
  readonly free: Resources;
  readonly total: Resources;
  readonly ports: readonly number[];
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

/** What `fit` looks at: nothing else decides. */
export type Picture = {
  readonly waiting: readonly Waiting[];
  readonly nodes: readonly FreeNode[];
  readonly sites: readonly Site[];
  readonly warm: readonly Warm[];
  /** Whether a job that does not say `relocatable` may go to a site when no node has room. */
  readonly relocate: 'asked' | 'when-full';
};

/** All that a place depends on, as text: what two jobs share that are of one kind. */
export const kindOf = (spec: Spec): string =>
  JSON.stringify([
    need(spec),
    spec.nodes,
    portsOf(spec),
    spec.relocatable,
    spec.flavor,
    spec.cloudImage,
    spec.budget ?? 0,
    spec.storage,
  ]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type OpenNode = Writable<FreeNode> & { ports: number[] };
export type OpenSite = Writable<Site>;
/** What there is to be placed on: it shrinks as jobs are. */
export type Open = {
  readonly nodes: OpenNode[];
  readonly sites: OpenSite[];
  readonly warm: Warm[];
  readonly relocate: Picture['relocate'];
};
/** Where a job may go; or why nowhere now, or never. */
export type Found =
  | { readonly placement: Placement }
  | { readonly placement?: undefined; readonly why: string; readonly never: boolean };

const no = (why: string, never = false): Found => ({ why, never });

/** Finds a place for a job and takes it off what is free. */
export function place(job: Waiting, open: Open): Found {
  const { nodes, sites, relocate } = open;
  if (isAsked(job.spec)) return onWarm(job, open) ?? atSite(job, sites);
  const here = onNodes(job, nodes);
  if (here.placement !== undefined || relocate === 'asked') return here;
  const there = onWarm(job, open) ?? atSite(job, sites);
  if (there.placement !== undefined) return there;
  return no(sites.length === 0 ? here.why : `${here.why}; ${there.why}`, here.never && there.never);
}

function onNodes(job: Waiting, nodes: OpenNode[]): Found {
  const want = need(job.spec);
  const count = job.spec.nodes;
  const ports = portsOf(job.spec);
  if (nodes.length === 0) return no('no node is up');
  const wish = `needs ${count} node${count === 1 ? '' : 's'} with ${show(want)}`;
  const able = nodes.filter((n) => covers(n.total, want));
  const most = Math.max(0, ...[...byCluster(able).values()].map((there) => there.length));
  if (most < count)
    return no(`${wish}; ${most} of the ${nodes.length} nodes here ever could`, true);
  const roomy = able.filter(
    (n) => n.up && covers(n.free, want) && !ports.some((port) => n.ports.includes(port)),
  );
  for (const [cluster, there] of byCluster(roomy)) {
    if (there.length < count) continue;
    const chosen = [...there].sort(fullestFirst).slice(0, count);
    for (const node of chosen) take(node, want, ports);
    const names = chosen.map((n) => n.name);
    return { placement: { cluster, nodes: names, made: null, resources: want, ports } };
  }
  const blocked = able.flatMap((n) => ports.filter((port) => n.ports.includes(port)));
  const why = blocked.length > 0 ? `; port ${blocked[0]} is in use by another job` : '';
  return no(`${wish}; ${roomy.length} free now${why}`);
}

/** The fullest that still fits, so that large jobs find room later. */
const fullestFirst = (a: OpenNode, b: OpenNode): number =>
  a.free.cpus - b.free.cpus || (a.name < b.name ? -1 : 1);

/** A job's nodes are all of one cluster. */
function byCluster(nodes: readonly OpenNode[]): ReadonlyMap<string, readonly OpenNode[]> {
  const found = new Map<string, OpenNode[]>();
  for (const node of nodes) {
    const there = found.get(node.cluster);
    if (there === undefined) found.set(node.cluster, [node]);
    else there.push(node);
  }
  return found;
}

function take(node: OpenNode, want: Resources, ports: readonly number[]): void {
  node.free = {
    cpus: node.free.cpus - want.cpus,
    memoryBytes: node.free.memoryBytes - want.memoryBytes,
    gpus: node.free.gpus - want.gpus,
  };
  node.ports.push(...ports);
}

function atSite(job: Waiting, sites: OpenSite[]): Found {
  if (sites.length === 0) return no('no site is configured that could make a cluster for it', true);
  const whys: Found[] = [];
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

function atOneSite(job: Waiting, site: OpenSite): Found {
  const { spec } = job;
  const want = need(spec);
  const missing = lacking(spec, site);
  if (missing !== '') return no(missing, true);
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
