import type { Feed, FeedRow } from '../../src/api/watch.ts';
import type { Watched } from '../../src/protocol/watch-row.ts';

/** Committed records in memory, and those who are told when they change. */
export function memoryFeed() {
  const rows = new Map<string, FeedRow & { readonly what: Watched }>();
  const listening = new Set<{ readonly what: Watched; readonly then: (row: FeedRow) => void }>();
  let revision = 0;
  const feed: Feed = {
    get revision() {
      return revision;
    },
    *snapshot(what) {
      for (const row of [...rows.values()]) if (row.what === what && row.row !== null) yield row;
    },
    subscribe(what, then) {
      const listener = { what, then };
      listening.add(listener);
      return () => void listening.delete(listener);
    },
  };
  return {
    feed,
    get listeners() {
      return listening.size;
    },
    put(what: Watched, key: string, row: object | null, owner = '') {
      revision += 1;
      const change = { what, revision, key, row, owner: row === null ? '' : owner };
      rows.set(key, change);
      for (const listener of listening) if (listener.what === what) listener.then(change);
    },
  };
}
