import { type Watched, type WatchRow, watchRows } from '../protocol/watch-row.ts';
import { type Opening, resumed } from './resume.ts';

export type WatchOptions = {
  /** Only things whose key begins with it. */
  readonly id?: string;
  /** Only this user's jobs; for operators, who see all of them otherwise. */
  readonly owner?: string;
};

/**
 * Watches, also over lost connections: then all that is there comes again, and for what vanished
 * meanwhile a row that says so, as if the connection had held.
 */
export function watch(
  opening: Opening,
  what: Watched,
  wanted: WatchOptions,
): AsyncGenerator<WatchRow, void, void> {
  const known = new Set<string>();
  let whole = false;
  const open = () => ({ kind: 'watch', body: { what, ...wanted } });
  return resumed(opening, open, async function* (stream, moved) {
    stream.end();
    const rows = watchRows();
    const missing = new Set(known);
    for await (const bytes of stream.read()) {
      for (const row of rows(bytes)) {
        moved();
        if (row.key === '') {
          for (const key of missing) {
            known.delete(key);
            yield { revision: row.revision, key, row: null };
          }
          missing.clear();
          if (whole) continue;
          whole = true;
        } else {
          missing.delete(row.key);
          if (row.row === null) known.delete(row.key);
          else known.add(row.key);
        }
        yield row;
      }
    }
  });
}
