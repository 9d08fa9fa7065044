import { afterAll, beforeAll } from 'vitest';
import { processesSuite } from '../../ports/processes.suite.ts';
import { type Dockerd, startDockerd } from './dockerd.ts';
import { ContainerPlace } from './place.ts';

let engine: Dockerd;
beforeAll(async () => {
  engine = await startDockerd();
});
afterAll(() => engine.end());

processesSuite('containers of Docker', async () => new ContainerPlace(engine), [0, 1, 42, 255]);
