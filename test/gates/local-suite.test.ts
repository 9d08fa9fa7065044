import { gateSuite } from '../ports/gate.suite.ts';
import { localWorld } from './local-world.ts';

gateSuite('the local gate', () => localWorld());
gateSuite('the local gate, slow to boot', () => localWorld({ bootDelayMs: 150 }));
