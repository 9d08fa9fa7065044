import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { MachineOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { archiveOf } from '../bootstrap/archive.ts';
import { type Base, keepAttached } from '../bootstrap/attach.ts';
import { Attachments } from '../bootstrap/attachments.ts';
import { KnownHosts } from '../bootstrap/known-hosts.ts';
import type { Machine } from '../bootstrap/machine.ts';
import { isPlainName } from '../names.ts';
import type { GateSetup } from '../setup.ts';
import type { PostedOrders } from './posted.ts';
import type { HttpSettings } from './settings.ts';

/** Makes the machines of a site nodes: the cloud boots them, and the worker comes by SSH. */
export class Machines {
  readonly #setup: GateSetup;
  readonly #ssh: HttpSettings['ssh'];
  readonly #posted: PostedOrders;
  readonly #base: Base;
  readonly #known: KnownHosts;
  readonly #attachments = new Attachments();

  constructor(setup: GateSetup, { ssh }: HttpSettings, posted: PostedOrders, folder: string) {
    this.#setup = setup;
    this.#ssh = ssh;
    this.#posted = posted;
    const archive = archiveOf({ given: ssh.archive, folder });
    this.#base = { head: setup.head, mesh: setup.mesh, archive };
    this.#known = new KnownHosts(join(folder, 'known-hosts.json'));
  }

  async attach(
    order: MachineOrder,
    told: (step: string) => void,
    signal: AbortSignal,
  ): Promise<never> {
    const { partition, node } = order;
    if (!isPlainName(node)) throw new Failed('impossible', `no machine can be called ${node}`);
    const machine = await this.#machineOf(order);
    const keep = (tell: typeof told, end: AbortSignal): Promise<never> =>
      keepAttached(this.#base, machine, order, tell, end);
    const facts = JSON.stringify(order);
    return this.#attachments.hold(`${partition}/${node}`, facts, keep, told, signal);
  }

  /** What is being removed is not attached any more, and met anew when its name comes again. */
  async drop(partition: string): Promise<void> {
    this.#attachments.drop(`${partition}/`);
    await this.#known.forget(`${partition}/`);
  }

  /** A machine is all of its node, from its first day on. */
  async #machineOf({ partition, node, address, bootstrap }: MachineOrder): Promise<Machine> {
    const { port, user, key, hostKey, directory } = this.#ssh;
    // The token tells one life of a name from the next, which has other machines.
    const life = createHash('sha256')
      .update(bootstrap.tokens[node] ?? '')
      .digest('hex');
    const hostKeys = this.#known.of(`${partition}/${node}/${life.slice(0, 12)}`, hostKey);
    const posted = await this.#posted.read(partition);
    return {
      place: { address, port, user, key, hostKeys },
      directory,
      folder: join(directory, `node-${life.slice(0, 12)}`),
      mark: `${partition}/${node}/${life.slice(0, 12)}`,
      config: {
        ...this.#setup.workerConfig,
        // All that the machine has; of its graphics processors only the cloud knows.
        resources: { cpus: 0, memoryBytes: 0, gpus: posted?.gpus ?? 0 },
      },
    };
  }
}
