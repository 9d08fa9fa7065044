import type { Keeping } from '../../src/runtime/family.ts';
import type { Store } from '../../src/runtime/ports.ts';
import { changes, load, NOTHING_KEPT } from '../../src/runtime/record.ts';
import { MemoryDisk } from '../ports/memory-store.ts';

/** A store whose commits are done at once, and whose records a test puts there itself. */
export type Shelf = Store & {
  /** Puts a record there, in place of whatever was. */
  keep<S>(keeping: Keeping<S>, path: string, state: S): void;
};

export function memoryStore(): Shelf {
  const store = new MemoryDisk({ later: (then) => then() }).open();
  const keep = <S>(keeping: Keeping<S>, path: string, state: S): void => {
    const before = load(store, keeping, path)?.kept ?? NOTHING_KEPT;
    store.commit(changes(keeping, path, before, state).changes, () => {});
  };
  return Object.assign(store, { keep });
}
