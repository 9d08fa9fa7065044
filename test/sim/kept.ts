import type { Keeping } from '../../src/runtime/family.ts';
import type { Range, Store } from '../../src/runtime/ports.ts';
import { find, isKept, load } from '../../src/runtime/record.ts';
import type { SimNode } from './node.ts';

type Scope = 'control' | 'node';

/** What was read of some bytes: they are looked at far more often than they change. */
const read = new WeakMap<Uint8Array, unknown>();

/** What is on a node's disk, whether the node lives or not. */
export function kept<S>(node: SimNode, keeping: Keeping<S>, path: string): S | undefined {
  const decode: Keeping<S>['decode'] = (part, bytes) => {
    if (!read.has(bytes)) read.set(bytes, keeping.decode(part, bytes));
    return read.get(bytes);
  };
  return load(diskOf(node, keeping.scope), { ...keeping, decode }, path)?.state;
}

/** Whether a record is there. */
export const isThere = (node: SimNode, scope: Scope, path: string): boolean =>
  isKept(diskOf(node, scope), path);

/** Paths of the records under an index of a node's disk. */
export const indexed = (node: SimNode, scope: Scope, prefix: string): readonly string[] =>
  find(diskOf(node, scope), prefix, Number.MAX_SAFE_INTEGER).paths;

function diskOf({ disks }: SimNode, scope: Scope): Store {
  const disk = disks[scope];
  const range = ({ from, to, limit }: Range) =>
    disk
      .between(from, to)
      .slice(0, limit)
      .map((key) => [key, disk.get(key) as Uint8Array] as const);
  const nobody = (): never => {
    throw new Error('a disk is only looked at');
  };
  return { term: 0, get: (key) => disk.get(key), range, commit: nobody, close: nobody };
}
