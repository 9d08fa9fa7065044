import type { PartitionOrder } from '../../../src/actors/ports.ts';
import { message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import { calm as calmSite } from '../../ports/manners.ts';
import { MemorySite } from '../../ports/memory-gate.ts';
import { Network } from '../network.ts';
import { calm, type Faults, type SimNode } from '../node.ts';
import { World } from '../world.ts';
import { Attaching, isAttaching } from './attaching.ts';
import { Checks } from './checks.ts';
import { Client, noPromises } from './clients.ts';
import { evening, untilDone } from './evening.ts';
import { FIRST, Heads } from './heads.ts';
import { sha256 } from './joining.ts';
import { Machines, type There } from './machines.ts';
import { plans } from './plans.ts';
import { STANDING } from './ports.ts';
import { type Troubles, troubles } from './troubles.ts';

const MINUTE = 60_000;
const NOON = 8 * MINUTE;
const DAY = 12 * 60 * MINUTE;

/** Heads, a site that is unkind, workers that come and go, and people who want things. */
export class Day {
  readonly world: World;
  readonly heads: Heads;
  readonly site: MemorySite;
  readonly checks: Checks;
  readonly promises = noPromises((id) => this.checks.acknowledged(id));
  readonly network: Network;
  readonly #attaching: Attaching;
  readonly #faults: () => Faults;
  readonly #trouble: Troubles;
  readonly #machines: Machines;

  constructor(seed: number) {
    const world = new World(seed);
    this.world = world;
    this.#trouble = troubles(world);
    this.network = new Network(world, this.#trouble.latencyMs);
    const noon = world.now + NOON;
    this.#attaching = new Attaching(world, () => world.now >= noon);
    const { faults, site } = this.#trouble;
    this.#faults = () => (world.now < noon ? faults : calm);
    const gentle = { ...calmSite, lateMs: 500, bootMs: 5_000, removeMs: 5_000 };
    this.site = new MemorySite({
      clock: world.clock,
      dice: () => world.dice.roll(),
      get manners() {
        return world.now < noon ? site : gentle;
      },
      clusters: 4,
      cpus: 16,
      onUp: (order) => this.#machines.booted(order),
      onTaken: ({ nodes }) => this.#machines.gone(nodes, 'its site takes it back'),
      onGone: (order) => this.#gone(order),
    });
    this.heads = new Heads({
      world,
      network: this.network,
      site: this.site,
      faults: this.#faults,
      decided: (changes) => this.checks.committed(changes),
      promises: this.promises,
      clustersMax: 4,
      cpusMax: 16,
      attach: isAttaching(world) ? this.#attaching.attach : undefined,
      restartMsMax: 60_000,
    });
    this.checks = new Checks({
      world,
      truth: this.heads.ledger.truth,
      site: () => this.site,
      machines: () => [...this.machines.values()].map(({ machine }) => machine),
      clusterOf: ({ name }) => this.machines.get(name)?.cluster ?? '',
      promises: this.promises,
    });
    this.#machines = new Machines({
      world,
      network: this.network,
      heads: () => this.heads,
      faults: this.#faults,
      witness: this.checks.witness,
      restartMsMax: 90_000,
      startMsMax: 30_000,
      mute: 0.03,
      attaching: this.#attaching,
    });
  }

  get machines(): ReadonlyMap<string, There> {
    return this.#machines.all;
  }

  /** The whole day. Throws the first `Violation`. */
  async live(): Promise<World> {
    const { world } = this;
    const { heads, isHostLost } = this.#trouble;
    this.heads.begin(heads);
    for (let i = world.dice.between(heads > 1 ? 2 : 1, heads > 1 ? 3 : 2); i > 0; i--)
      this.#give(`host-${i}`, 4);
    this.#look();
    if (isHostLost) this.#lose('host-1');
    this.#makeTrouble();
    this.#changeHeads();
    this.#isolate();
    plans(world, () => this.heads.nodes(), this.promises, NOON, this.#trouble.isSpotDay);
    await world.pass(NOON);
    await untilDone(this);
    await world.pass(30 * MINUTE);
    evening(this);
    if (world.violation !== undefined) throw world.violation;
    return world;
  }

  /** Cuts and crashes, at any time of the morning. */
  #makeTrouble(): void {
    const { world, network } = this;
    const { cuts, crashes } = this.#trouble;
    const nodes = (): SimNode[] => [
      ...this.heads.nodes(),
      ...[...this.machines.values()].map(({ worker }) => worker),
    ];
    for (let i = 0; i < cuts; i++)
      world.in(world.dice.between(0, NOON - MINUTE), () => {
        const links = network.links();
        if (links.length === 0) return;
        const how = world.dice.pick(['reset', 'silent', 'one-way'] as const);
        network.cut(...world.dice.pick(links), how, world.dice.skewed(0, 2 * MINUTE));
      });
    for (let i = 0; i < crashes; i++)
      world.in(world.dice.between(0, NOON - MINUTE), () => {
        const victim = world.dice.pick(world.dice.chance(0.5) ? this.heads.nodes() : nodes());
        victim.crash(world.dice.chance(0.5) ? 'on' : 'off', 'the dice');
      });
  }

  /** Heads are added and removed, also those that lead; and some hand over. */
  #changeHeads(): void {
    const { world, heads } = this;
    const { changes, transfers } = this.#trouble;
    const at = (): number => world.dice.between(MINUTE, NOON - MINUTE);
    for (let i = 0; i < changes; i++)
      world.in(at(), () => {
        heads.add();
        const { name } = world.dice.pick(heads.nodes()).plan;
        const leader = heads.leading()?.node.plan.name ?? name;
        const victim = world.dice.chance(0.5) ? leader : name;
        // One stays: a node that was away meanwhile finds those that came by those that it knew.
        if (victim === FIRST) return;
        world.in(world.dice.between(0, MINUTE), () => heads.remove(victim));
      });
    for (let i = 0; i < transfers; i++) world.in(at(), () => heads.transfer());
  }

  /** Whoever leads hears of the other heads no more, while all else goes on. */
  #isolate(): void {
    const { world, heads, network } = this;
    for (let i = 0; i < this.#trouble.isolations; i++)
      world.in(world.dice.between(MINUTE / 2, NOON - MINUTE), () => {
        const leader = heads.leading()?.node.plan.name ?? '';
        const how = world.dice.pick(['reset', 'silent', 'one-way'] as const);
        const ms = world.dice.between(5_000, MINUTE);
        for (const { plan } of heads.nodes())
          if (plan.name !== leader && leader !== '') network.cut(leader, plan.name, how, ms);
      });
  }

  #lose(name: string): void {
    const { world } = this;
    const operator = new Client(world, () => this.heads.nodes(), 'olga', this.promises, 'operator');
    world.in(world.dice.between(MINUTE, NOON - 2 * MINUTE), () => {
      this.#machines.gone([name], 'it burns');
      world.in(world.dice.between(0, 2 * MINUTE), () => operator.giveUp(name));
    });
  }

  #look(): void {
    this.checks.promises();
    this.checks.site();
    this.heads.checkTrees();
    this.world.in(5_000, () => this.#look());
  }

  /** A host that we are given: an operator has it expected, and starts a worker there. */
  #give(name: string, cpus: number): void {
    const token = `token of ${name}`;
    const expect = (): void => {
      const body = {
        node: name,
        cluster: STANDING,
        role: 'worker' as const,
        tokenHash: sha256(token),
        expiresAt: this.world.now + DAY * 10,
      };
      const again = (): void => void this.world.in(2_000, expect);
      const node = this.heads.leading()?.node.life?.node;
      if (node === undefined) return again();
      const dead = this.world.in(6_000, expect);
      const who = { door: 'local', id: 'operator' } as const;
      const to = control(`/nodes/${name}`);
      node.routes.ask(to, message('node.expect', body), 5_000, who, ({ ok }) => {
        dead();
        if (!ok) again();
      });
    };
    expect();
    this.#machines.open(name, cpus, token, STANDING, this.heads.addresses()).start();
  }

  #gone(order: PartitionOrder): void {
    const externalId = this.site.truth().find(({ name }) => name === order.name)?.externalId ?? '';
    this.checks.removing(order, externalId);
    this.#machines.gone(order.nodes, 'its machine is deleted');
  }
}
