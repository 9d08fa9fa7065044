import { limits } from '../../protocol/limits.ts';
import type { FlavorRow, Spec } from '../../protocol/model.ts';
import type { Policy } from '../../protocol/policy.ts';
import type { FlavorPast } from '../../protocol/repute-shapes.ts';
import type { Millis } from '../../runtime/ports.ts';
import { amount } from '../price.ts';
import type { OpenSite, Waiting } from './place.ts';
import { lacking, need, suited, tooDear } from './want.ts';

/** What sites offer to a job: capacity with a price and a delay. */

export type Offer = {
  readonly site: OpenSite;
  readonly flavor: FlavorRow;
  /** All nodes together. */
  readonly perHour: number;
  /** How long it is expected to take until it is up. */
  readonly bootMs: Millis;
};

/** When is it, and by what is chosen. */
export type Market = { readonly now: Millis; readonly clouds: Policy['clouds'] };

/** Why a site, or what it offers, is no place for a job: for now, or never. */
export type Not = { readonly site: OpenSite; readonly why: string; readonly never: boolean };

/** What the sites have for a job, the best first; and why not the rest. */
export function offersFor(
  job: Waiting,
  sites: readonly OpenSite[],
  market: Market,
): { readonly offers: readonly Offer[]; readonly nots: readonly Not[] } {
  const all = sites.flatMap((site) => offersOf(job, site, market.now));
  const offers = all.filter((each): each is Offer => !('why' in each));
  return {
    offers: offers.length < 2 ? offers : ranked(job, offers, market),
    nots: all.filter((each): each is Not => 'why' in each),
  };
}

function offersOf(job: Waiting, site: OpenSite, now: Millis): readonly (Offer | Not)[] {
  const not = (why: string, never = true): Not => ({ site, why, never });
  const { spec } = job;
  const missing = lacking(spec, site);
  if (missing !== '') return [not(missing)];
  const [label] = spec.constraint ?? [];
  if (label !== undefined) return [not(`${site.remote} has no machines labelled ${label}`)];
  if (site.flavors.length === 0) return [not(`${site.remote} has not told its flavors yet`, false)];
  const flavors = suited(spec, need(spec), site);
  if (typeof flavors === 'string') return [not(flavors)];
  const image = spec.cloudImage === '' ? site.defaultImage : spec.cloudImage;
  // A site without one that it was told to take chooses itself.
  if (image !== '' && !site.images.some(({ name }) => name === image))
    return [not(`${site.remote} has no image ${image}`)];
  return flavors.map((flavor) => {
    const dear = tooDear(spec, flavor, site);
    if (dear !== '') return not(dear);
    const past = pastOf(site, flavor.name);
    if (past !== undefined && past.refusedUntil > now)
      return not(`${site.remote} refused ${flavor.name} until ${refusal(past)}`, false);
    const perHour = flavor.price * spec.nodes;
    return { site, flavor, perHour, bootMs: bootOf(site, past) };
  });
}

const refusal = ({ refusedUntil, why }: FlavorPast): string =>
  `${new Date(refusedUntil).toISOString()}: ${why.slice(0, WHY_CHARS_MAX)}`;

/** Sites say a lot; what matters stands at the beginning. */
const WHY_CHARS_MAX = 80;

const pastOf = ({ past = [] }: OpenSite, name: string): FlavorPast | undefined =>
  past.find(({ flavor }) => flavor === name);

/** Of a flavor that never was up its site's others tell most. */
function bootOf({ past = [] }: OpenSite, own: FlavorPast | undefined): Millis {
  if (own !== undefined && own.bootMs > 0) return own.bootMs;
  const known = past.filter(({ bootMs }) => bootMs > 0);
  if (known.length === 0) return limits.bootGuessMs;
  return Math.round(known.reduce((sum, { bootMs }) => sum + bootMs, 0) / known.length);
}

/** What keeps the job's deadline goes first; then what the policy prefers. */
function ranked(job: Waiting, offers: readonly Offer[], market: Market): readonly Offer[] {
  const latest = latestStart(job);
  const isLate = ({ bootMs }: Offer): boolean => market.now + bootMs > latest;
  const prefer = preferred(job, market);
  return offers.toSorted((a, b) => {
    if (isLate(a) !== isLate(b)) return isLate(a) ? 1 : -1;
    return isLate(a) ? a.bootMs - b.bootMs : prefer(a, b);
  });
}

function preferred({ spec }: Waiting, { clouds }: Market): (a: Offer, b: Offer) => number {
  const cost = costBy(spec, clouds);
  switch (clouds.choose) {
    case 'first':
      return () => 0;
    case 'cheapest':
      return (a, b) => a.perHour - b.perHour || a.bootMs - b.bootMs;
    case 'soonest':
      return (a, b) => a.bootMs - b.bootMs || a.perHour - b.perHour;
    case 'weighted':
      return (a, b) => cost(a.bootMs, a.perHour) - cost(b.bootMs, b.perHour);
  }
}

const HOUR_MS = 3_600_000;

/** What it costs to wait so long and then to pay so much: of a job without a time, for an hour. */
const costBy =
  ({ walltimeMs }: Spec, { hourIsWorth }: Policy['clouds']) =>
  (waitMs: Millis, perHour: number): number =>
    (perHour * (walltimeMs || HOUR_MS) + hourIsWorth * waitMs) / HOUR_MS;

/** When it has to start to be done in time; infinite where nothing hurries it. */
function latestStart({ submittedAt, spec }: Waiting): Millis {
  const { deadlineMs = 0, walltimeMs } = spec;
  return deadlineMs === 0 ? Number.POSITIVE_INFINITY : submittedAt + deadlineMs - walltimeMs;
}

/** Whether a job rather waits for nodes that are here, and cost nothing, than has the offer. */
export function isRatherHere(
  job: Waiting,
  start: Millis,
  { bootMs, perHour }: Offer,
  { now, clouds }: Market,
): boolean {
  const waitMs = start - now;
  const latest = latestStart(job);
  const [isHereLate, isThereLate] = [start > latest, now + bootMs > latest];
  if (isHereLate !== isThereLate) return isThereLate;
  if (isHereLate) return waitMs <= bootMs;
  switch (clouds.choose) {
    case 'first':
      return false;
    case 'cheapest':
      return perHour > 0 || waitMs <= bootMs;
    case 'soonest':
      return waitMs <= bootMs;
    case 'weighted': {
      const cost = costBy(job.spec, clouds);
      return cost(waitMs, 0) <= cost(bootMs, perHour);
    }
  }
}

/** What an offer is, in words. */
export const offerText = ({ site, flavor, perHour, bootMs }: Offer, { nodes }: Spec): string =>
  `${nodes} × ${flavor.name} at ${site.remote} cost ${amount(perHour)} an hour ` +
  `and take ${Math.ceil(bootMs / 1_000)} s`;

/** All reasons in one, each site's together: of each as many as a reader will read. */
export function inWords(nots: readonly Not[]): string {
  const bySite = Map.groupBy(nots, ({ site }) => site);
  const texts = [...bySite.values()].flatMap((of) => {
    const shown = [...new Set(of.map(({ why }) => why))];
    const rest = shown.length - limits.offersShownMax;
    const more = rest > 0 ? [`so ${rest} other flavors of ${of[0]?.site.remote}`] : [];
    return [...shown.slice(0, limits.offersShownMax), ...more];
  });
  const all = texts.join('; ');
  return all.length > limits.siteWhyCharsMax ? `${all.slice(0, limits.siteWhyCharsMax)}…` : all;
}
