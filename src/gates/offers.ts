import type { Flavor, Image, PartitionOrder, Resources } from '../actors/ports.ts';
import { nearest } from '../protocol/didyoumean.ts';
import { Failed } from '../protocol/errors.ts';

/** What a site offers, and the most that it gives at once. */
export type Room = {
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
  readonly clusters: number;
  readonly cpus: number;
};

/** What a partition has of a site: so many nodes, each with these. */
export type Share = { readonly resources: Resources; readonly machines: readonly unknown[] };

/** What an order gets, in full. */
export type Offer = { readonly flavor: Flavor; readonly image: string };

/**
 * What the site gives for an order beside what it gave to others. Throws `impossible` for what it
 * never gives, `capacity` for what it has not left.
 */
export function checkOrder(settings: Room, order: PartitionOrder, others: readonly Share[]): Offer {
  const flavor = flavorNamed(settings, order.flavor);
  const images = settings.images.map(({ name }) => name);
  const image = order.image === '' ? images[0]! : order.image;
  if (!images.includes(image)) throw unknownOffer('image', image, images);
  const cpus = flavor.resources.cpus * order.nodes.length;
  if (cpus > settings.cpus)
    throw new Failed('impossible', `${cpus} cpus; the whole site has ${settings.cpus}`);
  if (others.length >= settings.clusters)
    throw new Failed('capacity', `the site has ${others.length} clusters and takes no more`);
  const used = others.reduce((sum, claim) => sum + cpusOf(claim), 0);
  if (used + cpus > settings.cpus)
    throw new Failed('capacity', `${cpus} cpus; the site has ${settings.cpus - used} left`);
  return { flavor, image };
}

const cpusOf = ({ resources, machines }: Share): number => resources.cpus * machines.length;

function flavorNamed({ flavors }: Room, name: string): Flavor {
  const flavor = flavors.find((each) => each.name === name);
  if (flavor === undefined)
    throw unknownOffer(
      'flavor',
      name,
      flavors.map((each) => each.name),
    );
  return flavor;
}

/** A name that the site does not offer is refused with the one that may be meant. */
export function unknownOffer(what: string, name: string, known: readonly string[]): Failed {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `it has ${known.join(', ')}` : `is ${meant} meant?`;
  return new Failed('impossible', `the site has no ${what} ${name}; ${hint}`);
}
