import { common, workerFamilies } from '../../../src/actors/families.ts';
import { type Lead, NO_LEAD, OF_NODE, refusal } from '../../../src/actors/lead.ts';
import { workerTree } from '../../../src/actors/tree.ts';
import type { Outs, TaskSockets } from '../../../src/actors/ways.ts';
import { type Led, ledFrom } from '../../../src/node/lead.ts';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import type { Body } from '../../../src/protocol/messages.ts';
import type { Who } from '../../../src/protocol/who.ts';
import type { Store } from '../../../src/runtime/ports.ts';
import type { Network } from '../network.ts';
import { type Faults, type Life, SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { Dials } from './dials.ts';
import { greeter, join } from './joining.ts';
import type { Machine } from './machine.ts';
import type { Obedience } from './obedience.ts';

export type WorkerSetup = {
  readonly world: World;
  readonly network: Network;
  readonly machine: Machine;
  /** Any head that lives and could be dialled. */
  readonly anyHead: (from: string) => Life | undefined;
  /** Its join token, and whom to dial, which it was given at its birth. */
  readonly token: string;
  readonly heads: readonly string[];
  readonly faults: () => Faults;
  /** A machine that was given to us comes back after a crash, as does one at a site. */
  readonly restartMs: () => number;
  readonly obedience: Obedience;
};

/** Jobs of a day reach nobody. */
const noDoors: Outs & TaskSockets = { open: async () => {}, close: async () => {} };

/** A worker with the real runners. It joins once, and follows whichever head leads. */
export function openWorker(setup: WorkerSetup): SimNode {
  const { world, network, machine, faults } = setup;
  let worker: Follower | undefined;
  let joined = false;
  const known = { heads: setup.heads };
  return new SimNode(world, network, {
    name: machine.name,
    door: 'worker',
    skewMs: world.dice.between(-30_000, 30_000),
    faults,
    families: (life) => {
      const processes = machine.processes(() => life);
      const workplace = machine.workplace(() => life);
      const { clock } = life;
      const account = { user: 'nobody', accountOf: () => '', secrets: async () => ({}) };
      const images = { bring: async () => {} };
      const addresses = { address: '127.0.0.1', outAddress: '127.0.0.1', ownNetworks: true };
      const doors = { outs: noDoors, tasks: noDoors, meter: { watch: () => () => {} } };
      const place = { ...addresses, ...doors, path: '/bin', ...account };
      return { ...common, ...workerFamilies({ processes, images, workplace, clock, ...place }) };
    },
    boot: (life) => {
      const follower = new Follower(setup, life, known);
      worker = follower;
      life.open(workerTree(life.stores.node));
      if (joined) return follower.dial();
      join(setup, life, setup.token, () => {
        joined = true;
        follower.dial();
      });
    },
    leader: () => worker?.leader,
    receive: (_, who, envelope) => worker?.receive(who, envelope),
    up: (_, peer) => worker?.linked(peer),
    down: (_, peer) => worker?.unlinked(peer),
    // Without its power the machine goes down with it.
    ended: (power) => {
      worker = undefined;
      if (power === 'off') machine.reboot();
    },
    restartMs: setup.restartMs,
  });
}

/** Which head leads, as one life of a worker knows it: what the composition of a real one does. */
class Follower {
  readonly #setup: WorkerSetup;
  readonly #life: Life;
  readonly #led: Led;
  readonly #dials: Dials;
  readonly #greet: () => void;
  /** Outlives the life: it is in a file. */
  readonly #known: { heads: readonly string[] };

  constructor(setup: WorkerSetup, life: Life, known: { heads: readonly string[] }) {
    const { world, network, machine, obedience } = setup;
    this.#setup = setup;
    this.#life = life;
    this.#known = known;
    this.#led = kept(world, life.stores.node, (lead) => obedience.believes(machine.name, lead));
    this.#dials = new Dials(network, life, () => world.dice.between(200, 5_000));
    this.#greet = greeter(world, life, machine.resources);
  }

  get leader(): string | undefined {
    return this.#led.lead.leader || undefined;
  }

  dial(): void {
    this.#dials.set(this.#known.heads);
  }

  linked(peer: string): void {
    if (peer === this.leader) this.#greet();
  }

  unlinked(peer: string): void {
    this.#dials.down(peer);
  }

  receive(who: Who, envelope: Envelope): void {
    if (envelope.is === 'call' && envelope.to === OF_NODE) {
      if (envelope.message.name !== 'node.leader') return;
      this.#setup.world.stir();
      void this.#heard(who, envelope.message.body).catch(() => {});
      return;
    }
    if (refusal(this.#led.lead, who, envelope) === undefined) this.#take(who, envelope);
    else {
      this.#setup.world.stir();
      const ordered = this.#life.guard(() => this.#ordered(who, envelope));
      this.#led.settled(ordered);
    }
  }

  #ordered(who: Who, envelope: Envelope): void {
    const failure = refusal(this.#led.lead, who, envelope);
    if (failure === undefined) this.#take(who, envelope);
    else if (envelope.is === 'call' && envelope.ask !== 0) {
      const refused = { ...failure, retry: true };
      this.#life.wire.send(who.id, { is: 'refused', ask: envelope.ask, failure: refused });
    }
  }

  #take(who: Who, envelope: Envelope): void {
    const { obedience, machine } = this.#setup;
    if (envelope.is === 'call' && envelope.message.name.startsWith('runner.'))
      obedience.takes(machine.name, who.id, envelope.message.name);
    this.#life.node.routes.receive(who, envelope);
  }

  async #heard(who: Who, said: Body<'node.leader'>): Promise<void> {
    const { obedience, machine } = this.#setup;
    obedience.hears(machine.name, who.id, said.term);
    const before = this.leader;
    const isNews = await this.#led.heard(who, said);
    this.#life.guard(() => {
      if (who.id !== this.leader) return this.#dials.add(said.heads);
      if (isNews) {
        if (before !== undefined && before !== who.id) this.#life.node.routes.deposed(before);
        this.#greet();
      }
      if (said.heads.length === 0) return;
      this.#known.heads = said.heads;
      this.#dials.set(said.heads);
    })();
  }
}

const KEY = 'lead';

/** Whom a worker follows, kept on its disk. */
function kept(world: World, store: Store, believed: (lead: Lead) => void): Led {
  const bytes = store.get(KEY);
  const last = bytes === undefined ? NO_LEAD : (JSON.parse(text(bytes)) as Lead);
  const keep = (lead: Lead): Promise<void> =>
    new Promise((resolve, reject) => {
      const value = new TextEncoder().encode(JSON.stringify(lead));
      store.commit([{ key: KEY, value }], (outcome) => {
        world.stir();
        if (outcome === 'unknown') return reject(new Failed('disk_error', 'nobody knows'));
        believed(lead);
        resolve();
      });
    });
  return ledFrom(last, keep);
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
