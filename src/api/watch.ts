import type { IsAdmin } from '../actors/session/admins.ts';
import type { StreamHandler } from '../platform/streams.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { encodeWatchRow, type Watched } from '../protocol/watch-row.ts';
import type { Who } from '../protocol/who.ts';
import type { Cancel } from '../runtime/ports.ts';
import { accountOf, isSeen } from './seen.ts';

/** How one thing is now, as it was committed. */
export type FeedRow = {
  /** Grows with every change of anything. */
  readonly revision: number;
  /** A job's id, a node's or a cluster's name. */
  readonly key: string;
  /** A row as lists have it; null: it is no more. */
  readonly row: object | null;
  /** The user whose job it is, or was; '' of what belongs to nobody, or nobody remembers. */
  readonly owner: string;
};

/** Which things: all, or those whose key begins with `id`, or those of one owner. */
export type Wanted = { readonly id: string; readonly owner: string };

/** What a watch needs of the committed records. */
export type Feed = {
  /** Tells its revisions from those of other heads, and of other lives of this one. */
  readonly name: string;
  /** The revision of the last commit. */
  readonly revision: number;
  /** Those that fit, and perhaps others, read while they are asked for. */
  snapshot(what: Watched, wanted: Wanted): Iterable<FeedRow>;
  /** Those that have changed in that revision or since; undefined if so much is not known. */
  since(what: Watched, wanted: Wanted, revision: number): Iterable<FeedRow> | undefined;
  /**
   * Calls with each change from now on, in the order of the commits: of all of them, or of the
   * thing of that whole key alone.
   */
  subscribe(what: Watched, then: (change: FeedRow) => void, key?: string): Cancel;
};

/** A watch of a whole id is of one job alone: of these a terminal may have as many as it likes. */
const ID_CHARS = 36;

/**
 * Answers a `watch`: all that is there, or what has changed since the terminal was here last, then
 * what changes. Users see their own jobs, admins of accounts also what they ask for of those, and
 * operators all.
 * Of a thing that changes faster than it is read only the newest state is kept; when too many wait,
 * the stream ends as `busy`, and the terminal may begin anew. A list is read in parts and few may
 * be watched on one link, since all others wait meanwhile.
 */
export const serveWatch = (feed: Feed, isAdmin: IsAdmin): StreamHandler => {
  let broad = 0;
  return ({ body, who, stream, accept }) => {
    const { what, wanted, since, fits } = watchOf(feed, isAdmin, body, who);
    const one = what === 'jobs' && wanted.id.length === ID_CHARS ? wanted.id : undefined;
    if (one === undefined) {
      if (broad >= limits.watchesMax)
        throw new Failed('refused', `${limits.watchesMax} lists are watched on this link already`);
      broad += 1;
      stream.once('close', () => {
        broad -= 1;
      });
    }
    const changes = new Map<string, FeedRow>();
    /** What the terminal knows of, besides what it knew before: when that goes it hears of it. */
    const shown = new Set<string>();
    const isOurs = since !== undefined && since.feed === feed.name;
    const past = isOurs ? feed.since(what, wanted, since.revision) : undefined;
    const rows = rowsOf(feed, past ?? feed.snapshot(what, wanted), changes);

    let later: NodeJS.Immediate | undefined;
    const pump = (): void => {
      if (later !== undefined) return;
      for (let read = 0; !stream.destroyed && !stream.writableNeedDrain; read += 1) {
        if (read === limits.watchRowsPerTurn) {
          later = setImmediate(() => {
            later = undefined;
            pump();
          });
          return;
        }
        const row = rows.next().value;
        if (row === undefined) return;
        if (row.row !== null && !fits(row)) continue;
        if (row.row !== null) shown.add(row.key);
        else if (row.key !== '' && !shown.delete(row.key) && !(past && fits(row))) continue;
        stream.write(encoded(row));
      }
    };
    const hear = (change: FeedRow): void => {
      if (stream.destroyed || (change.row !== null && !fits(change))) return;
      // Put at the end again, so that the revisions come in order.
      changes.delete(change.key);
      changes.set(change.key, change);
      if (changes.size <= limits.watchRowsMax) pump();
      else stream.destroy(new Failed('busy', 'changes come faster than they are read'));
    };
    const cancel = feed.subscribe(what, hear, one);
    stream.on('drain', pump);
    stream.on('close', () => {
      clearImmediate(later);
      cancel();
      changes.clear();
    });
    stream.resume(); // Nothing is said there, but its end must be noticed.
    accept({ feed: feed.name, resumed: past !== undefined });
    pump();
  };
};

const encodings = new WeakMap<FeedRow, Uint8Array>();

/** A change is told to all that watch in the same bytes, which nobody changes. */
function encoded(row: FeedRow): Uint8Array {
  const known = encodings.get(row);
  if (known !== undefined) return known;
  const bytes = encodeWatchRow(row);
  encodings.set(row, bytes);
  return bytes;
}

/** Endless: undefined when there is nothing now. */
function* rowsOf(
  feed: Feed,
  first: Iterable<FeedRow>,
  changes: Map<string, FeedRow>,
): Generator<FeedRow | undefined, undefined> {
  const { revision } = feed;
  // What is read late may be newer than its number; then its change follows.
  for (const row of first) yield { ...row, revision };
  yield { revision, key: '', row: null, owner: '' };
  for (;;) {
    const [next] = changes;
    if (next !== undefined) changes.delete(next[0]);
    yield next?.[1];
  }
}

const filterOf =
  ({ id, owner }: Wanted): ((row: FeedRow) => boolean) =>
  (row) =>
    row.key.startsWith(id) && (owner === '' || row.owner === owner);

const kinds: readonly unknown[] = ['jobs', 'nodes', 'clusters'] satisfies Watched[];

/** Where a watch was that is gone on with. */
type Since = { readonly feed: string; readonly revision: number };
type Asked = {
  readonly what: Watched;
  readonly wanted: Wanted;
  readonly since: Since | undefined;
  readonly fits: (row: FeedRow) => boolean;
};

/** What the terminal asks for, narrowed to what its user may see. */
function watchOf(feed: Feed, isAdmin: IsAdmin, body: unknown, user: Who): Asked {
  const {
    what,
    id = '',
    owner = '',
    account = '',
    ...rest
  } = body as { readonly [field: string]: unknown };
  if (!kinds.includes(what)) throw new Malformed('$.what', 'one of jobs, nodes, clusters');
  if (typeof id !== 'string') throw new Malformed('$.id', 'a text');
  if (typeof owner !== 'string') throw new Malformed('$.owner', 'a text');
  if (typeof account !== 'string') throw new Malformed('$.account', 'a text');
  const since = sinceOf(rest['since']);
  const of = (what: Watched, wanted: Wanted): Asked => ({
    ...{ what, wanted, since, fits: filterOf(wanted) },
  });
  // Nodes and clusters belong to nobody.
  if (what !== 'jobs') return of(what as Watched, { id, owner: '' });
  if (user.door !== 'operator' && owner !== '' && owner !== user.id)
    throw new Failed('forbidden', 'the jobs of others are shown to operators only');
  const ofOthers =
    user.door === 'operator' ||
    (account === '' ? isOfOthers(feed, isAdmin, id, user) : isAdmin(user.id, account));
  const asked = of(what, { id, owner: ofOthers ? owner : user.id });
  if (account === '' && (user.door === 'operator' || !ofOthers)) return asked;
  return {
    ...asked,
    // Of what went meanwhile it is not known any more of which account it was: all comes again.
    since: undefined,
    fits: (row) =>
      asked.fits(row) &&
      (account === '' || accountOf(row) === account) &&
      isSeen(isAdmin, user, row),
  };
}

/** Whether it is the whole id of a job that somebody may see without owning it. */
function isOfOthers(feed: Feed, isAdmin: IsAdmin, id: string, user: Who): boolean {
  if (id.length !== ID_CHARS) return false;
  for (const job of feed.snapshot('jobs', { id, owner: '' }))
    if (job.key === id) return job.owner !== user.id && isSeen(isAdmin, user, job);
  return false;
}

function sinceOf(given: unknown): Since | undefined {
  if (given === undefined) return undefined;
  const { feed, revision } = Object(given) as { readonly [field: string]: unknown };
  if (typeof feed !== 'string') throw new Malformed('$.since.feed', 'a text');
  if (!Number.isSafeInteger(revision)) throw new Malformed('$.since.revision', 'a whole number');
  return { feed, revision: revision as number };
}
