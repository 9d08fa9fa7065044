import { MemoryReplicaPlace } from './memory-replica-disk.ts';
import { replicaDiskSuite } from './replica-disk.suite.ts';

replicaDiskSuite('the disk of a head in memory', async () => {
  const files = new Map();
  const own = new MemoryReplicaPlace('a', { files });
  const other = new MemoryReplicaPlace('b', { files, joins: true });
  return {
    open: async () => own.open(),
    openOther: async () => other.open(),
    clear: async () => {},
  };
});
