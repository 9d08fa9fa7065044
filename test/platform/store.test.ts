import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/platform/store.ts';
import { storeSuite } from '../ports/store.suite.ts';

storeSuite('the store on disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'swm-store-'));
  return {
    open: (hooks) => openStore(join(directory, 'store'), hooks),
    clear: () => rm(directory, { recursive: true }),
  };
});
