import { common, headFamilies } from '../../../src/actors/families.ts';
import { GROUP } from '../../../src/actors/group/keeping.ts';
import { type Lead, news, OF_NODE, refusal } from '../../../src/actors/lead.ts';
import { keeping as nodeKeeping } from '../../../src/actors/node/keeping.ts';
import type { Gate } from '../../../src/actors/ports.ts';
import { controlTree, doorTree } from '../../../src/actors/tree.ts';
import { dialledBy, headsOf, othersOf } from '../../../src/node/group.ts';
import { headMessage } from '../../../src/node/raft-wire.ts';
import type { Council } from '../../../src/node/seat.ts';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import { type Message, message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import type { Who } from '../../../src/protocol/who.ts';
import type { Actor } from '../../../src/runtime/actor.ts';
import { load } from '../../../src/runtime/record.ts';
import type { MemorySite } from '../../ports/memory-gate.ts';
import type { MemoryReplicaPlace } from '../../ports/memory-replica-disk.ts';
import type { Network } from '../network.ts';
import { type Faults, type Life, SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { addressOf, Dials } from './dials.ts';
import { greeter, join } from './joining.ts';
import type { Ledger } from './ledger.ts';
import { portsOf, REMOTE } from './ports.ts';
import { seatOf } from './seat.ts';

export type HeadSetup = {
  readonly world: World;
  readonly network: Network;
  readonly site: MemorySite;
  readonly ledger: Ledger;
  readonly faults: () => Faults;
  readonly clustersMax: number;
  readonly cpusMax: number;
  /** As the site has it on this day. */
  readonly attach: Gate['attach'];
  /** The longest that a head is away. */
  readonly restartMsMax: number;
  readonly name: string;
  /** What it was invited by; the first head was not. */
  readonly joins?: { readonly token: string; readonly heads: readonly string[] };
  /** Any head that lives and could be dialled. */
  readonly anyHead: (from: string) => Life | undefined;
};

export type SimHead = {
  readonly node: SimNode;
  /** Its seat in the group, while it lives. */
  readonly council: () => Council | undefined;
};

const NOTHING = { cpus: 0, memoryBytes: 0, gpus: 0 };
const isHead = (name: string): boolean => name.startsWith('head-');

/** A head with the real seat in its group, and the real control tree while it leads. */
export function openHead(setup: HeadSetup): SimHead {
  const { world, network, ledger, faults, name, joins, restartMsMax } = setup;
  const place = ledger.place(name, joins !== undefined, () => faults().diskMs);
  let head: HeadLife | undefined;
  let joined = joins === undefined;
  const node = new SimNode(world, network, {
    name,
    door: 'head',
    skewMs: world.dice.between(-1_000, 1_000),
    faults,
    control: (life) => {
      head = new HeadLife(setup, life, place);
      return head.council.store;
    },
    families: (life) => {
      const { council } = head as HeadLife;
      return { ...common, ...headFamilies(portsOf(setup, life, council), council.store) };
    },
    boot: (life) => {
      const booted = head as HeadLife;
      booted.boot();
      if (joined || joins === undefined) return booted.dial();
      join(setup, life, joins.token, () => {
        joined = true;
        booted.dial();
      });
    },
    leader: () => head?.council.lead.leader || undefined,
    receive: (_, who, envelope) => head?.receive(who, envelope),
    admits: (_, peer) => head?.admits(peer) === true,
    up: (_, peer) => head?.linked(peer),
    down: (_, peer, why) => head?.unlinked(peer, why),
    ended: () => {
      head = undefined;
      place.crash();
    },
    restartMs: () => world.dice.skewed(100, restartMsMax),
  });
  return { node, council: () => head?.council };
}

/** One life of a head: what the composition of a real one does, over links that are played. */
class HeadLife {
  readonly council: Council;
  readonly #setup: HeadSetup;
  readonly #life: Life;
  readonly #dials: Dials;
  readonly #greet: () => void;
  #control: Actor | undefined;
  #booted = false;
  #mayDial = false;

  constructor(setup: HeadSetup, life: Life, place: MemoryReplicaPlace) {
    const { world, network, ledger, name } = setup;
    this.#setup = setup;
    this.#life = life;
    this.#dials = new Dials(network, life, () => world.dice.between(100, 2_000));
    this.#greet = greeter(world, life, NOTHING);
    this.council = seatOf(setup, life, place, {
      onLead: (lead, before, kept) => {
        ledger.led(name, lead, kept);
        this.#led(lead, before);
      },
      onLeading: () => this.#follow(),
      onApplied: () => {},
      onReplaced: () => ledger.agrees(name),
      onHeads: () => this.#headsMoved(),
    });
    ledger.agrees(name);
  }

  boot(): void {
    this.#booted = true;
    this.#follow();
    this.#life.open(doorTree());
    this.#headsMoved();
  }

  /** It may have links to other heads from now on. */
  dial(): void {
    this.#mayDial = true;
    this.#headsMoved();
  }

  receive(who: Who, envelope: Envelope): void {
    const { council } = this;
    const { world } = this.#setup;
    const said = headMessage(who, envelope);
    if (said !== undefined) {
      world.stir();
      return council.replica.receive(who.id, said);
    }
    if (envelope.is === 'call' && envelope.to === OF_NODE) return this.#told(envelope.message);
    if (refusal(council.lead, who, envelope) === undefined)
      this.#life.node.routes.receive(who, envelope);
  }

  admits(name: string): boolean {
    const known = load(this.council.store, nodeKeeping, `/nodes/${name}`)?.state;
    if (known === undefined) return isHead(name) && this.council.lead.leader === '';
    return known.phase !== 'gone' && (known.role === 'head') === isHead(name);
  }

  linked(peer: string): void {
    if (isHead(peer)) this.council.replica.linked(peer);
    this.#announce([peer]);
    if (peer === this.council.lead.leader) this.#greet();
  }

  unlinked(peer: string, why: string): void {
    if (isHead(peer)) this.council.replica.unlinked(peer);
    this.#dials.down(peer);
    if (this.#control === undefined) return;
    const body = { node: peer, up: false, why };
    const who = { door: 'local', id: 'links' } as const;
    this.#life.node.routes.tell(control(`/nodes/${peer}`), message('node.link', body), who);
  }

  #led({ leader }: Lead, { leader: before }: Lead): void {
    const { name } = this.#setup;
    if (!this.#booted || leader === before) return;
    if (before !== '' && before !== name) this.#life.node.routes.deposed(before);
    if (leader !== '' && leader !== name) this.#greet();
  }

  #follow(): void {
    if (!this.#booted) return;
    if (!this.council.leads) {
      this.#control?.halt('this head leads no more');
      this.#control = undefined;
    } else if (this.#control === undefined) {
      const { name } = this.#setup;
      const founder = { name, address: addressOf(name) };
      const { store, lead } = this.council;
      this.#setup.ledger.opens(name, lead.term);
      const tree = controlTree({ store, founder, remotes: [REMOTE], relocate: 'when-full' });
      this.#control = this.#life.open(tree);
      this.#lead();
    }
  }

  #lead(): void {
    const { network, name } = this.#setup;
    const said = message('head.add', { name, address: addressOf(name) });
    this.#life.node.routes.tell(control(GROUP), said, { door: 'local', id: 'head' });
    this.#announce(network.linksOf(name));
    this.#greet();
  }

  #announce(names: readonly string[]): void {
    const { name } = this.#setup;
    const { leader, term } = this.council.lead;
    if (leader === name && this.#control === undefined) return;
    const heads = [addressOf(name), ...othersOf(name, headsOf(this.council.store))];
    for (const peer of names) this.#life.wire.send(peer, news({ leader, term, heads }));
  }

  /** One without a log yet looks for those that have it. */
  #told({ name, body }: Message): void {
    const { replica } = this.council;
    const isNew = dialledBy(this.#setup.name, headsOf(replica)) === undefined;
    if (name === 'node.leader' && isNew && this.#mayDial) this.#dials.add(body.heads);
  }

  #headsMoved(): void {
    const { name, joins, network } = this.#setup;
    if (!this.#booted || !this.#mayDial) return;
    this.#dials.set(dialledBy(name, headsOf(this.council.replica)) ?? joins?.heads ?? []);
    this.#announce(network.linksOf(name));
  }
}
