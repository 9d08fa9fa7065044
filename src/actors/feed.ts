import type { Watched } from '../protocol/watch-row.ts';
import type { Keeping } from '../runtime/family.ts';
import type { Cancel, Change, Clock, Records } from '../runtime/ports.ts';
import { find, load, pathOfKey } from '../runtime/record.ts';
import { REST } from './array/parts.ts';
import { CLUSTERS, keeping as clusterKeeping } from './cluster/keeping.ts';
import { FeedPast } from './feed-past.ts';
import { BY_TIME, byOwner, keeping as jobKeeping } from './job/keeping.ts';
import { row as jobRow } from './job/view.ts';
import { NODES, keeping as nodeKeeping } from './node/keeping.ts';
import { clusterRow, nodeRow } from './session/read.ts';

/** A thing as it was committed: `row` is null once it is no more. */
export type FeedRow = {
  readonly revision: number;
  readonly key: string;
  readonly row: object | null;
  readonly owner: string;
};

type Wanted = { readonly id: string; readonly owner: string };

type Reader = (change: FeedRow) => void;

/** What changes, in the order of the commits: whoever reads it reads only what is durable. */
export interface Feed {
  /** Tells this numbering of revisions from that of others: of other heads, and other lives. */
  readonly name: string;
  readonly revision: number;
  snapshot(what: Watched, wanted: Wanted): Iterable<FeedRow>;
  /**
   * How that is now which has changed in a revision or since; undefined if so much is not known.
   * What nobody remembers any more is left out: when it went it was told to whoever was there.
   */
  since(what: Watched, wanted: Wanted, revision: number): Iterable<FeedRow> | undefined;
  /** Of all changes, or of those of the thing with that whole key alone. */
  subscribe(what: Watched, then: Reader, key?: string): Cancel;
  /** Tells of which users the registry says something new; without an id, of any. */
  users(then: (id?: string) => void): Cancel;
}

/** What a feed is told, once reads see it. */
export type Telling = {
  /** Of each batch. */
  readonly changed: (changes: readonly Change[]) => void;
  /** When other records have taken the place of all. */
  readonly replaced: () => void;
};

/** A feed of a store's records, for the head of that name. */
export function feedOf(
  store: Records,
  clock: Pick<Clock, 'now'>,
  head: string,
): { readonly feed: Feed; readonly telling: Telling } {
  const readers: Record<Watched, Readers> = {
    jobs: new Readers(),
    nodes: new Readers(),
    clusters: new Readers(),
  };
  const ofUsers = new Set<(id?: string) => void>();
  const past = new FeedPast();
  const name = `${head}.${clock.now()}`;
  let revision = 0;
  const told = (changes: readonly Change[]): void => {
    revision += 1;
    const at = clock.now();
    for (const path of new Set(changes.map(({ key }) => pathOfKey(key)))) {
      const [, pool = '', key = ''] = path?.split('/') ?? [];
      if (pool === 'users') for (const then of ofUsers) then(key);
      const listening = readers[pool as Watched];
      if (listening === undefined) continue;
      past.add({ revision, what: pool as Watched, key, at });
      const own = listening.of(key);
      if (listening.all.size + own.size === 0) continue;
      const change = rowOf(store, pool as Watched, key, revision);
      for (const then of listening.all) then(change);
      for (const then of own) then(change);
    }
  };
  return {
    telling: {
      changed: told,
      replaced: () => {
        revision += 1;
        past.clear(revision + 1);
        for (const then of ofUsers) then();
      },
    },
    feed: {
      name,
      get revision() {
        return revision;
      },
      *snapshot(what, wanted) {
        for (const key of keysOf(store, what, wanted)) yield rowOf(store, what, key, revision);
      },
      since(what, { id, owner }, from) {
        const keys = past.since(what, from, clock.now());
        return keys && changed(store, what, keys, { id, owner }, revision);
      },
      subscribe: (what, then, key) => readers[what].add(then, key),
      users(then) {
        ofUsers.add(then);
        return () => void ofUsers.delete(then);
      },
    },
  };
}

const NOBODY: ReadonlySet<Reader> = new Set();

/** Who listens. Of ten thousand who each wait for a job of theirs, a change calls those of it. */
class Readers {
  readonly all = new Set<Reader>();
  readonly #byKey = new Map<string, Set<Reader>>();

  of(key: string): ReadonlySet<Reader> {
    return this.#byKey.get(key) ?? NOBODY;
  }

  add(then: Reader, key: string | undefined): Cancel {
    const among = key === undefined ? this.all : (this.#byKey.get(key) ?? new Set());
    among.add(then);
    if (key !== undefined) this.#byKey.set(key, among);
    return () => {
      among.delete(then);
      const isLast = key !== undefined && among.size === 0;
      if (isLast && this.#byKey.get(key) === among) this.#byKey.delete(key);
    };
  }
}

/** All that there are, read in pages while they are asked for. */
function* keysOf(store: Records, what: Watched, { id, owner }: Wanted): Generator<string> {
  if (what === 'jobs' && id.length === 36) return yield id;
  const jobs = owner === '' ? BY_TIME : byOwner(owner);
  const prefix = { jobs: `${jobs}/`, nodes: NODES, clusters: CLUSTERS }[what];
  for (let after = ''; ; ) {
    const page = find(store, prefix, 256, after);
    for (const path of page.paths) yield path.slice(path.lastIndexOf('/') + 1);
    if (page.next === '') return;
    after = page.next;
  }
}

function* changed(
  store: Records,
  what: Watched,
  keys: readonly string[],
  { id, owner }: Wanted,
  revision: number,
): Generator<FeedRow> {
  for (const key of keys) {
    if (!key.startsWith(id)) continue;
    const row = rowOf(store, what, key, revision);
    if (owner === '' || row.owner === owner) yield row;
  }
}

function rowOf(store: Records, what: Watched, key: string, revision: number): FeedRow {
  const state = <S>(keeping: Keeping<S>): S | undefined =>
    load(store, keeping, `/${what}/${key}`, REST)?.state;
  switch (what) {
    case 'jobs': {
      const job = state(jobKeeping);
      const row = job?.remains === 'all' && !job.shift ? jobRow(job) : null;
      return { revision, key, row, owner: job?.owner ?? '' };
    }
    case 'nodes': {
      const node = state(nodeKeeping);
      const row = node && node.phase !== 'gone' ? nodeRow(node, []) : null;
      return { revision, key, row, owner: '' };
    }
    case 'clusters': {
      const cluster = state(clusterKeeping);
      const there = cluster && cluster.made !== null && cluster.phase !== 'gone';
      return { revision, key, row: there ? clusterRow(cluster) : null, owner: '' };
    }
  }
}
