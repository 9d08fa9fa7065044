import { calm } from '../azure/manners.ts';
import { gateSuite } from '../ports/gate.suite.ts';
import { azureWorld } from './azure-world.ts';

gateSuite('the gate of Azure', () => azureWorld());
gateSuite('the gate of Azure, which is slow', () =>
  azureWorld({ ...calm(), networkMs: 30, bootMs: 60, removeMs: 60, hiddenMs: 80 }),
);
