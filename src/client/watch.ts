import { type Watched, type WatchRow, watchRows } from '../protocol/watch-row.ts';
import { type Opening, resumed } from './resume.ts';

export type WatchOptions = {
  /** Only things whose key begins with it. */
  readonly id?: string;
  /** Only this user's jobs; for operators, who see all of them otherwise. */
  readonly owner?: string;
  /** Only the jobs of this account: all of them for its admins, else one's own. */
  readonly account?: string;
};

/**
 * Watches, also over lost connections: then it goes on where it was, as if the connection had held.
 * Where the head that answers does not know so much all comes again, and for what vanished
 * meanwhile a row that says so.
 */
export function watch(
  opening: Opening,
  what: Watched,
  wanted: WatchOptions,
): AsyncGenerator<WatchRow, void, void> {
  const known = new Set<string>();
  let whole = false;
  /** Up to where everything is known, in the numbers of which head. */
  let since: { readonly feed: string; readonly revision: number } | undefined;
  const open = () => ({ kind: 'watch', body: { what, ...wanted, ...(since && { since }) } });
  return resumed(opening, open, async function* (stream, moved) {
    stream.end();
    const accepted = (await stream.accepted()) as {
      readonly feed?: string;
      readonly resumed?: boolean;
    };
    const { feed = '' } = accepted;
    const rows = watchRows();
    const missing = new Set(accepted.resumed ? [] : known);
    let isCurrent = false;
    for await (const bytes of stream.read()) {
      for (const row of rows(bytes)) {
        moved();
        isCurrent ||= row.key === '';
        if (isCurrent && feed !== '') since = { feed, revision: row.revision };
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
          if (row.row !== null) known.add(row.key);
          else if (!known.delete(row.key)) continue;
        }
        yield row;
      }
    }
  });
}
