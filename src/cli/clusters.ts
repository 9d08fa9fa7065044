import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import { type Call, isOn } from './verb.ts';
import { instant, short } from './words.ts';

/** Lists the clusters that were made for jobs. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const { clusters } = await (await client()).call('cluster.list', { all: isOn(options, 'all') });
  printRows(screen, clusters, [
    { title: 'NAME', of: (cluster) => cluster.name },
    { title: 'STATE', of: (cluster) => cluster.phase },
    { title: 'SINCE', of: (cluster) => instant(cluster.since) },
    { title: 'SITE', of: (cluster) => cluster.remote, gives: true },
    { title: 'FLAVOR', of: (cluster) => cluster.flavor, gives: true },
    { title: 'NODES', of: (cluster) => String(cluster.nodes.length), right: true },
    { title: 'PRICE/H', of: (cluster) => String(cluster.price), right: true },
    { title: 'JOBS', of: (cluster) => cluster.jobs.map(short).join(','), gives: true },
    { title: 'DETAILS', of: (cluster) => cluster.details.replaceAll('\n', ' '), gives: true },
  ]);
  return exits.good;
}
