import type { Watched } from '../protocol/watch-row.ts';
import type { Keeping } from '../runtime/family.ts';
import type { Cancel, Change, Records } from '../runtime/ports.ts';
import { find, load, pathOfKey } from '../runtime/record.ts';
import { CLUSTERS, keeping as clusterKeeping } from './cluster/keeping.ts';
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

/** What changes, in the order of the commits: whoever reads it reads only what is durable. */
export interface Feed {
  readonly revision: number;
  snapshot(
    what: Watched,
    wanted: { readonly id: string; readonly owner: string },
  ): Iterable<FeedRow>;
  subscribe(what: Watched, then: (change: FeedRow) => void): Cancel;
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

/** A feed of a store's records. */
export function feedOf(store: Records): { readonly feed: Feed; readonly telling: Telling } {
  const readers: Record<Watched, Set<(change: FeedRow) => void>> = {
    jobs: new Set(),
    nodes: new Set(),
    clusters: new Set(),
  };
  const ofUsers = new Set<(id?: string) => void>();
  let revision = 0;
  const told = (changes: readonly Change[]): void => {
    revision += 1;
    for (const path of new Set(changes.map(({ key }) => pathOfKey(key)))) {
      const [, pool = '', name = ''] = path?.split('/') ?? [];
      if (pool === 'users') for (const then of ofUsers) then(name);
      const listening = readers[pool as Watched];
      if (listening === undefined || listening.size === 0) continue;
      const change = rowOf(store, pool as Watched, name, revision);
      for (const then of listening) then(change);
    }
  };
  return {
    telling: {
      changed: told,
      replaced: () => {
        for (const then of ofUsers) then();
      },
    },
    feed: {
      get revision() {
        return revision;
      },
      *snapshot(what, { id, owner }) {
        if (what === 'jobs' && id !== '' && id.length === 36) {
          yield rowOf(store, what, id, revision);
          return;
        }
        const jobs = owner === '' ? BY_TIME : byOwner(owner);
        const prefix = { jobs: `${jobs}/`, nodes: NODES, clusters: CLUSTERS }[what];
        for (let after = ''; ; ) {
          const page = find(store, prefix, 256, after);
          for (const path of page.paths)
            yield rowOf(store, what, path.slice(path.lastIndexOf('/') + 1), revision);
          if (page.next === '') return;
          after = page.next;
        }
      },
      subscribe(what, then) {
        readers[what].add(then);
        return () => void readers[what].delete(then);
      },
      users(then) {
        ofUsers.add(then);
        return () => void ofUsers.delete(then);
      },
    },
  };
}

function rowOf(store: Records, what: Watched, key: string, revision: number): FeedRow {
  const state = <S>(keeping: Keeping<S>): S | undefined =>
    load(store, keeping, `/${what}/${key}`)?.state;
  switch (what) {
    case 'jobs': {
      const job = state(jobKeeping);
      const row = job?.remains === 'all' ? jobRow(job) : null;
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
