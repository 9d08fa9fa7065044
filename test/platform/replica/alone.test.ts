import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import { MemoryReplicaPlace } from '../../ports/memory-replica-disk.ts';
import { type StoreHooks, storeSuite } from '../../ports/store.suite.ts';
import { aloneStore } from './alone-store.ts';

storeSuite('the store of a head alone, in memory', async () => {
  const place = new MemoryReplicaPlace('a');
  return {
    open: ({ onBroken, onGroup }: StoreHooks = {}) =>
      aloneStore(place.open({ ...(onBroken && { onBroken }) }), 'a', onGroup),
    clear: async () => {},
  };
});

storeSuite('the store of a head alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'swm-replica-'));
  return {
    open: async ({ onBroken, onGroup }: StoreHooks = {}) => {
      const options = { self: 'a', ...(onBroken && { onBroken }) };
      return aloneStore(await openReplicaDisk(join(directory, 'control'), options), 'a', onGroup);
    },
    clear: () => rm(directory, { recursive: true }),
  };
});
