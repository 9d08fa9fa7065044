import type { Client } from '../client/client.ts';
import type { ClusterRow } from '../protocol/terminal-shapes.ts';
import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Screen } from './screen.ts';
import { sites } from './sites.ts';
import { type Call, isOn } from './verb.ts';
import { amount, instant, short } from './words.ts';

/** Lists the clusters that were made for jobs, or all that the sites have. */
export async function run({ options, screen, client }: Call): Promise<number> {
  if (isOn(options, 'allRemotes')) return atSites(screen, await client());
  const { clusters } = await (await client()).call('cluster.list', { all: isOn(options, 'all') });
  printRows(screen, clusters, [
    { title: 'NAME', of: (cluster) => cluster.name },
    { title: 'STATE', of: (cluster) => cluster.phase },
    { title: 'SINCE', of: (cluster) => instant(cluster.since) },
    { title: 'SITE', of: (cluster) => cluster.remote, gives: true },
    { title: 'FLAVOR', of: (cluster) => cluster.flavor, gives: true },
    { title: 'NODES', of: (cluster) => String(cluster.nodes.length), right: true },
    { title: 'PRICE/H', of: (cluster) => amount(cluster.price), right: true },
    { title: 'COST', of: (cluster) => amount(cluster.cost ?? 0), right: true },
    { title: 'JOBS', of: (cluster) => cluster.jobs.map(short).join(','), gives: true },
    { title: 'DETAILS', of: detailsOf, gives: true },
  ]);
  return exits.good;
}

function detailsOf({ details, keptUntil }: ClusterRow): string {
  return keptUntil === undefined
    ? details.replaceAll('\n', ' ')
    : `kept until ${instant(keptUntil)} for the next job of its owner`;
}

/** What there is, beside what we think that there is. */
async function atSites(screen: Screen, client: Client): Promise<number> {
  const { rows, more } = await sites(client);
  printRows(screen, rows, [
    { title: 'SITE', of: (row) => row.remote },
    { title: 'NAME', of: (row) => row.name },
    { title: 'MARK', of: (row) => row.mark },
    { title: 'AT SITE', of: (row) => row.status },
    { title: 'STATE', of: (row) => row.phase },
    { title: 'SINCE', of: (row) => instant(row.createdAt) },
    { title: 'ID', of: (row) => row.externalId, gives: true },
  ]);
  if (more > 0) screen.note(`and ${more} more`);
  return exits.good;
}
