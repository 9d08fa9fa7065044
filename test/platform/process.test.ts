import { processesSuite } from '../ports/processes.suite.ts';
import { RealPlace } from './process-place.ts';

processesSuite('processes under perl', async () => new RealPlace({ launcher: 'perl' }));
processesSuite('processes under Node', async () => new RealPlace({ launcher: 'node' }));
processesSuite('processes without cgroups', async () => new RealPlace({ cgroups: false }));
