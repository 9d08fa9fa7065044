import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gate } from '../../src/actors/ports.ts';
import { openGate } from '../../src/gates/gates.ts';
import { type FakeAzure, openFake } from '../azure/fake-azure.ts';
import type { Hardware } from '../azure/machines.ts';
import type { Manners } from '../azure/manners.ts';
import type { GateWorld } from '../ports/gate.suite.ts';

export type AzureWorld = GateWorld & {
  readonly fake: FakeAzure;
  readonly spool: string;
  /** The gate of a head that has other settings. */
  openWith(changes: object): Promise<Gate>;
};

/** A site at a fake Azure, in a spool of its own. */
export async function azureWorld(
  manners?: Manners,
  changes: object = {},
  hardware?: Hardware,
): Promise<AzureWorld> {
  const spool = await mkdtemp(join(tmpdir(), 'swm-gate-'));
  const fake = await openFake(manners, hardware);
  const openWith = (other: object): Promise<Gate> =>
    openGate('azure', {
      remote: 'azure',
      settings: fake.settings({ clusters: 4, cpus: 6, ...changes, ...other }),
      spool,
      workerCommand: [],
      workerConfig: {},
      head: 'head-1',
      mesh: async () => ({ host: '127.0.0.1', port: 1 }),
      note: () => {},
      now: Date.now,
      dice: Math.random,
    });
  return {
    fake,
    spool,
    openWith,
    open: () => openWith({}),
    run: (work) => work,
    pass: () => pause(5),
    left: async () => fake.site.left(),
    async close() {
      await fake.close();
      await rm(spool, { recursive: true, force: true });
    },
  };
}
