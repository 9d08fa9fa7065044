import { afterAll, beforeAll, describe } from 'vitest';
import { processesSuite } from '../../ports/processes.suite.ts';
import { ContainerPlace } from './place.ts';
import { hasPodman, startPodman } from './podman.ts';
import type { RealEngine } from './real-engine.ts';

/** Not part of what set-up installs: whoever has it sees that it does as well. */
describe.skipIf(!hasPodman)('podman', () => {
  let engine: RealEngine;
  beforeAll(async () => {
    engine = await startPodman();
  });
  afterAll(() => engine.end());

  processesSuite('containers of Podman', async () => new ContainerPlace(engine), {
    codes: [0, 42, 255],
    atOnce: 5,
  });
});
