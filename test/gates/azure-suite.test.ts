import { nasty } from '../azure/manners.ts';
import { diceOf } from '../ports/dice.ts';
import { gateSuite } from '../ports/gate.suite.ts';
import { azureWorld } from './azure-world.ts';

gateSuite('the gate of Azure', () => azureWorld());
gateSuite('the gate of Azure, which is slow and nasty', () => azureWorld(nasty(diceOf(1))));
