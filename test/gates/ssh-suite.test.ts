import { afterAll, beforeAll } from 'vitest';
import { gateSuite } from '../ports/gate.suite.ts';
import { type Fleet, fleet, sshWorld } from './ssh-world.ts';

let hosts: Fleet;
beforeAll(async () => {
  hosts = await fleet(7);
});
afterAll(() => hosts.close());

gateSuite('the gate to hosts by SSH', () => sshWorld(hosts));
