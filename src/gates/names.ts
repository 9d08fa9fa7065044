import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';

const partitionName = /^swm-[0-9a-z][0-9a-z-]{0,57}$/;
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Whether it can be a folder, and a part of a mark, and nothing else. */
export const isPlainName = (name: string): boolean => plainName.test(name);
export const isPartitionName = (name: string): boolean => partitionName.test(name);

/** Names become folders and marks on processes: those that could be anything else are refused. */
export function checkNames(name: string, nodes: readonly string[], installation: string): void {
  const refuse = (what: string, given: string): never => {
    throw new Failed('impossible', `${what} cannot be ${JSON.stringify(given.slice(0, 120))}`);
  };
  if (!isPartitionName(name)) refuse('the name of a partition', name);
  if (!plainName.test(installation)) refuse('an installation', installation);
  if (nodes.length === 0) refuse('the number of nodes', '0');
  if (nodes.length > limits.nodesMax) refuse('the number of nodes', String(nodes.length));
  if (new Set(nodes).size < nodes.length) refuse('a list of nodes', nodes.join(' '));
  for (const node of nodes) if (!plainName.test(node)) refuse('the name of a node', node);
}
