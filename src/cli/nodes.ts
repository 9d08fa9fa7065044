import type { NodeRow } from '../protocol/terminal-shapes.ts';
import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Column } from './table.ts';
import type { Call } from './verb.ts';
import { instant, resources, short } from './words.ts';

const why: Column<NodeRow> = {
  title: 'WHY',
  of: (node) => node.drained?.reason ?? '',
  gives: true,
};

/** Lists the nodes. */
export async function run({ screen, client }: Call): Promise<number> {
  const { nodes } = await (await client()).call('node.list', {});
  printRows(screen, nodes, [
    { title: 'NAME', of: (node) => node.name, gives: true },
    { title: 'ROLE', of: (node) => node.role },
    { title: 'STATE', of: (node) => (node.drained ? `${node.phase}, drained` : node.phase) },
    { title: 'SINCE', of: (node) => instant(node.since) },
    { title: 'HAS', of: (node) => resources(node.resources) },
    { title: 'CLUSTER', of: (node) => node.cluster, gives: true },
    { title: 'ADDRESS', of: (node) => node.address, gives: true },
    ...(nodes.some((node) => node.drained) ? [why] : []),
    { title: 'JOBS', of: (node) => node.jobs.map(short).join(','), gives: true },
  ]);
  return exits.good;
}
