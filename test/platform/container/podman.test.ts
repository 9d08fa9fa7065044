import { afterAll, beforeAll } from 'vitest';
import { processesSuite } from '../../ports/processes.suite.ts';
import { ContainerPlace } from './place.ts';
import { startPodman } from './podman.ts';
import type { RealEngine } from './real-engine.ts';

let engine: RealEngine;
beforeAll(async () => {
  engine = await startPodman();
});
afterAll(() => engine.end());

processesSuite('containers of Podman', async () => new ContainerPlace(engine), {
  codes: [0, 42, 255],
  atOnce: 5,
});
