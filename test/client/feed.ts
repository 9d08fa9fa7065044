import type { Feed, FeedRow } from '../../src/api/watch.ts';
import type { Watched } from '../../src/protocol/watch-row.ts';

/** Committed records in memory, and those who are told when they change. */
export function memoryFeed() {
  const rows = new Map<string, FeedRow & { readonly what: Watched }>();
  const listening = new Set<{
    readonly what: Watched;
    readonly then: (row: FeedRow) => void;
    readonly key: string | undefined;
  }>();
  let revision = 0;
  const feed = {
    name: 'memory',
    get revision() {
      return revision;
    },
    *snapshot(what: Watched): Generator<FeedRow> {
      for (const row of [...rows.values()]) if (row.what === what && row.row !== null) yield row;
    },
    /** All that has ever changed, if it is asked about the time after `forgets`. */
    since(what: Watched, _: object, from: number): FeedRow[] | undefined {
      if (from < made.forgets) return undefined;
      return [...rows.values()]
        .filter((row) => row.what === what && row.revision >= from)
        .sort((one, other) => one.revision - other.revision);
    },
    subscribe(what: Watched, then: (row: FeedRow) => void, key?: string) {
      const listener = { what, then, key };
      listening.add(listener);
      return () => void listening.delete(listener);
    },
  };
  const made = {
    feed: feed satisfies Feed,
    forgets: 0,
    get listeners() {
      return listening.size;
    },
    put(what: Watched, key: string, row: object | null, owner = '') {
      revision += 1;
      const change = { what, revision, key, row, owner: owner || (rows.get(key)?.owner ?? '') };
      rows.set(key, change);
      for (const listener of listening)
        if (listener.what === what && (listener.key ?? key) === key) listener.then(change);
    },
  };
  return made;
}
