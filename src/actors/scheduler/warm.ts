import { limits } from '../../protocol/limits.ts';
import type { Placement } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { paidFor } from '../price.ts';
import { type Market, offersFor } from './offers.ts';
import type { OpenSite, Waiting } from './place.ts';
import { need, portsOf, stays, storagesOf, suited } from './want.ts';

/** A cluster that is kept, which costs whether it is used or not. */
export type Warm = {
  readonly cluster: string;
  readonly remote: string;
  readonly flavor: string;
  readonly image: string;
  readonly price: number;
  readonly unitMs?: Millis;
  /** What its machines were made with, in order. */
  readonly storages?: readonly string[];
  readonly owner: string;
  readonly account: string;
  /** All of its nodes, the main one first. */
  readonly nodes: readonly string[];
};

type There = { readonly warm: Warm[]; readonly sites: readonly OpenSite[] };

/** The smallest that the same owner and account have, and that is what the job would have made. */
export function onWarm(
  job: Waiting,
  { warm, sites }: There,
  market: Market,
): { readonly placement: Placement } | undefined {
  const fitting = warm.filter((each) => fits(job, each, sites, market));
  const best = fitting.toSorted((a, b) => a.nodes.length - b.nodes.length)[0];
  const site = sites.find(({ remote }) => remote === best?.remote);
  if (best === undefined || site === undefined) return undefined;
  warm.splice(warm.indexOf(best), 1);
  const { cluster, remote, flavor, image, price, unitMs, nodes } = best;
  return {
    placement: {
      cluster,
      nodes: nodes.slice(0, job.spec.nodes),
      made: {
        ...{ remote, flavor, image, price },
        ...(unitMs !== undefined && { unitMs }),
        ...storagesOf(job.spec),
      },
      resources: need(job.spec),
      ports: portsOf(job.spec),
      warm: nodes.length,
      ...stays(job.spec, site),
    },
  };
}

function fits(job: Waiting, warm: Warm, sites: readonly OpenSite[], market: Market): boolean {
  const { owner, spec } = job;
  if (owner !== warm.owner || spec.account !== warm.account) return false;
  if (warm.nodes.length < spec.nodes) return false;
  const { price, unitMs = limits.billingUnitMs } = warm;
  const rate = { perHour: price * warm.nodes.length, unitMs };
  if (spec.maxPrice && rate.perHour > spec.maxPrice) return false;
  if (spec.budget && paidFor(rate, spec.budget) === 0) return false;
  if (JSON.stringify(storagesOf(spec).storages) !== JSON.stringify(warm.storages)) return false;
  const site = sites.find(({ remote }) => remote === warm.remote);
  if (site === undefined) return false;
  const image = spec.cloudImage === '' ? site.defaultImage : spec.cloudImage;
  if (image !== warm.image) return false;
  // Where that was refused of late, it would have made another.
  const [usual] = suited(spec, need(spec), site);
  const [best] = offersFor(job, [site], market).offers;
  return [usual, best?.flavor].some((f) => typeof f === 'object' && f.name === warm.flavor);
}
