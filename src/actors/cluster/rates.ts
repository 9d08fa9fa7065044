import { limits } from '../../protocol/limits.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { rateOf } from '../price.ts';
import { CLUSTERS, keeping } from './keeping.ts';

/** How many clusters of a site there are, and what they cost an hour in its currency. */
export type SiteRate = { readonly clusters: number; readonly perHour: number };

/** By site; what was given to us is of none. */
export function ratesOf(store: Records): ReadonlyMap<string, SiteRate> {
  const rates = new Map<string, SiteRate>();
  let after = '';
  do {
    const page = find(store, CLUSTERS, limits.pageMax, after);
    for (const path of page.paths) {
      const { made, members } = load(store, keeping, path)?.state ?? NOTHING;
      if (made === null) continue;
      const { clusters, perHour } = rates.get(made.remote) ?? { clusters: 0, perHour: 0 };
      const more = rateOf({ made, nodes: members.map(({ name }) => name) }).perHour;
      rates.set(made.remote, { clusters: clusters + 1, perHour: perHour + more });
    }
    after = page.next;
  } while (after !== '');
  return rates;
}

const NOTHING = { made: null, members: [] };
