import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import { replicaDiskSuite } from '../../ports/replica-disk.suite.ts';

replicaDiskSuite('the disk of a head', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'swm-replica-'));
  return {
    open: () => openReplicaDisk(join(directory, 'control'), { self: 'a' }),
    openOther: () => openReplicaDisk(join(directory, 'other'), { self: 'b', joins: true }),
    clear: () => rm(directory, { recursive: true }),
  };
});
