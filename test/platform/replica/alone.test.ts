import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import type { ReplicaDisk } from '../../../src/platform/replica/ports.ts';
import { openReplica } from '../../../src/platform/replica/replica.ts';
import type { Replica } from '../../../src/platform/replica/replica-port.ts';
import type { Store } from '../../../src/runtime/ports.ts';
import { MemoryReplicaPlace } from '../../ports/memory-replica-disk.ts';
import { type StoreHooks, storeSuite } from '../../ports/store.suite.ts';
import { realClock } from './head.ts';

/** The store of a head that is alone, once it leads; closing it ends the head. */
export function aloneStore(disk: ReplicaDisk, onGroup?: (batches: number) => void): Promise<Store> {
  return new Promise((resolve) => {
    const replica: Replica = openReplica({
      disk,
      self: 'a',
      clock: realClock,
      monotonic: () => performance.now(),
      dice: Math.random,
      note: (...a) => console.error(...a),
      send: () => false,
      fetchSnapshot: () => Promise.reject(new Error('nobody has one')),
      onApplied: () => {},
      ...(onGroup && { onGroup }),
      onRole: ({ ready, term }) => {
        if (!ready) return;
        const store = replica.leaderStore(term);
        resolve({
          term,
          get: (key) => store.get(key),
          range: (range) => store.range(range),
          commit: (changes, then) => store.commit(changes, then),
          close: () => replica.close(),
        });
      },
    });
  });
}

storeSuite('the store of a head alone, in memory', async () => {
  const place = new MemoryReplicaPlace('a');
  return {
    open: ({ onBroken, onGroup }: StoreHooks = {}) =>
      aloneStore(place.open({ ...(onBroken && { onBroken }) }), onGroup),
    clear: async () => {},
  };
});

storeSuite('the store of a head alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'swm-replica-'));
  return {
    open: async ({ onBroken, onGroup }: StoreHooks = {}) => {
      const options = { self: 'a', ...(onBroken && { onBroken }) };
      return aloneStore(await openReplicaDisk(join(directory, 'control'), options), onGroup);
    },
    clear: () => rm(directory, { recursive: true }),
  };
});
