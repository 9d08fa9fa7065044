import type { PartitionOrder } from '../../../src/actors/ports.ts';
import type { Network } from '../network.ts';
import type { Faults, SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { type Attaching, isAttaching } from './attaching.ts';
import type { Heads } from './heads.ts';
import { Machine, type Witness } from './machine.ts';
import { Obedience } from './obedience.ts';
import { openWorker } from './worker.ts';

const GIB = 2 ** 30;
const FLAVORS: Readonly<Record<string, number>> = { tiny: 1, small: 2, medium: 4, large: 8 };

export type There = {
  readonly machine: Machine;
  readonly worker: SimNode;
  readonly cluster: string;
};

export type MachinesSetup = {
  readonly world: World;
  readonly network: Network;
  readonly heads: () => Heads;
  readonly faults: () => Faults;
  readonly witness: Witness;
  /** The longest that a worker is away. */
  readonly restartMsMax: number;
  /** How long a machine that has booted may take until its worker starts. */
  readonly startMsMax: number;
  /** Machines that boot, and of which nothing is ever heard. */
  readonly mute: number;
  /** What makes machines nodes, at a site where they do not become that by themselves. */
  readonly attaching: Attaching;
};

/** All machines there are, each with its worker: given ones, and those that a site boots. */
export class Machines {
  readonly all = new Map<string, There>();
  readonly #setup: MachinesSetup;
  readonly #obedience: Obedience;

  constructor(setup: MachinesSetup) {
    this.#setup = setup;
    this.#obedience = new Obedience(setup.world);
  }

  /** Those of a partition boot. */
  booted(order: PartitionOrder): void {
    const { world, startMsMax, mute, attaching } = this.#setup;
    for (const node of order.nodes) {
      const token = order.bootstrap.tokens[node] ?? '';
      const { heads } = order.bootstrap;
      const worker = this.open(node, FLAVORS[order.flavor] ?? 1, token, order.name, heads);
      if (world.dice.chance(mute)) continue;
      if (isAttaching(world)) {
        attaching.booted(node, worker);
        continue;
      }
      world.in(world.dice.skewed(500, startMsMax), () => worker.start());
    }
  }

  /** A machine whose worker waits to be started. */
  open(
    name: string,
    cpus: number,
    token: string,
    cluster: string,
    heads: readonly string[],
  ): SimNode {
    const { world, network, faults, witness, restartMsMax } = this.#setup;
    const resources = { cpus, memoryBytes: 8 * GIB, gpus: 0 };
    const machine = new Machine(world, name, resources, witness);
    const worker = openWorker({
      world,
      network,
      machine,
      anyHead: this.#setup.heads().anyHead,
      token,
      heads,
      faults,
      obedience: this.#obedience,
      restartMs: () => world.dice.skewed(100, restartMsMax),
    });
    this.all.set(name, { machine, worker, cluster });
    return worker;
  }

  /** They are no more, with all that ran there. */
  gone(nodes: readonly string[], why: string): void {
    for (const node of nodes) {
      const there = this.all.get(node);
      there?.worker.remove(why);
      there?.machine.destroy();
      this.all.delete(node);
      this.#setup.attaching.gone(node);
    }
  }
}
