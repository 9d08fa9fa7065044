import type { Keeping } from '../../src/runtime/family.ts';
import type { Range, Records } from '../../src/runtime/ports.ts';
import { find, isKept, load } from '../../src/runtime/record.ts';
import type { MemoryDisk } from '../ports/memory-store.ts';

/** What was read of some bytes: they are looked at far more often than they change. */
const read = new WeakMap<Uint8Array, unknown>();

/** What is on a disk, whether its node lives or not. */
export function kept<S>(disk: MemoryDisk, keeping: Keeping<S>, path: string): S | undefined {
  const decode: Keeping<S>['decode'] = (part, bytes) => {
    if (!read.has(bytes)) read.set(bytes, keeping.decode(part, bytes));
    return read.get(bytes);
  };
  return load(recordsOf(disk), { ...keeping, decode }, path)?.state;
}

/** Whether a record is there. */
export const isThere = (disk: MemoryDisk, path: string): boolean => isKept(recordsOf(disk), path);

/** Paths of the records under an index of a disk. */
export const indexed = (disk: MemoryDisk, prefix: string): readonly string[] =>
  find(recordsOf(disk), prefix, Number.MAX_SAFE_INTEGER).paths;

const recordsOf = (disk: MemoryDisk): Records => ({
  get: (key) => disk.get(key),
  range: ({ from, to, limit }: Range) =>
    disk
      .between(from, to)
      .slice(0, limit)
      .map((key) => [key, disk.get(key) as Uint8Array] as const),
});
