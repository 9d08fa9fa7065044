import type { SiteRow } from '../../protocol/terminal-shapes.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { CLUSTERS, keeping as clusterKeeping } from '../cluster/keeping.ts';
import type { Partition } from '../ports.ts';

export type Sighting = { readonly store: Records; readonly installation: string };

/**
 * What a site has, beside what is thought of it. The list must be older than the claims: a claim is
 * committed before its create, so that what is claimed by now was claimed when it was made.
 */
export const sighted = (by: Sighting, there: readonly Partition[]): SiteRow[] =>
  there.map(({ name, externalId, status, installation, createdAt }) => {
    const claim = load(by.store, clusterKeeping, `/clusters/${name}`)?.state;
    // Where a site keeps no tags, only names are ours that we hold a record of.
    const isOurs = installation === '' ? claim !== undefined : installation === by.installation;
    const isClaimed = claim !== undefined && claim.phase !== 'gone';
    const mark = isOurs ? (isClaimed ? 'claimed' : 'stray') : 'foreign';
    const phase = isOurs ? (claim?.phase ?? '') : '';
    return { name, externalId, status, createdAt, mark, phase };
  });

/** Clusters that their site should have, and does not tell of. */
export function missing(
  { store }: Sighting,
  remote: string,
  there: readonly Partition[],
): SiteRow[] {
  const names = new Set(there.map(({ name }) => name));
  return find(store, CLUSTERS, Number.MAX_SAFE_INTEGER).paths.flatMap((path) => {
    const cluster = load(store, clusterKeeping, path)?.state;
    if (cluster?.made?.remote !== remote || names.has(cluster.name)) return [];
    // Of one that is being made, or goes, the site may know nothing yet, or any more.
    if (cluster.phase !== 'joining' && cluster.phase !== 'up') return [];
    const { name, externalId, createdAt, phase } = cluster;
    return [{ name, externalId, status: '', createdAt, mark: 'missing', phase }];
  });
}
