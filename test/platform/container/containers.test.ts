import { afterAll, beforeAll } from 'vitest';
import { processesSuite } from '../../ports/processes.suite.ts';
import { startDockerd } from './dockerd.ts';
import { ContainerPlace } from './place.ts';
import type { RealEngine } from './real-engine.ts';

let engine: RealEngine;
beforeAll(async () => {
  engine = await startDockerd();
});
afterAll(() => engine.end());

processesSuite('containers of Docker', async () => new ContainerPlace(engine), {
  codes: [0, 42, 255],
  atOnce: 5,
});
