import type { PartitionOrder } from '../../../src/actors/ports.ts';
import { message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import { calm as calmSite, MemorySite, nasty } from '../../ports/memory-gate.ts';
import { indexed } from '../kept.ts';
import { Network } from '../network.ts';
import { calm, type Faults, type SimNode } from '../node.ts';
import { World } from '../world.ts';
import { Checks } from './checks.ts';
import { Client, type Promises } from './clients.ts';
import { openHead, sha256 } from './head.ts';
import { Machine } from './machine.ts';
import { plans } from './plans.ts';
import { openWorker } from './worker.ts';

const MINUTE = 60_000;
const NOON = 8 * MINUTE;
const DAY = 12 * 60 * MINUTE;
const GIB = 2 ** 30;
/** Nodes that were given to us: they belong to the cluster of that name. */
const STANDING = 'here';
const FLAVORS: Readonly<Record<string, number>> = { tiny: 1, small: 2, medium: 4, large: 8 };

/** How bad each thing may be, from seed to seed: some days have only one kind of trouble. */
function troubles(world: World) {
  const { dice } = world;
  const some = (most: number): number => (dice.chance(0.4) ? 0 : most * dice.roll());
  const faults: Faults = {
    commitCrash: some(0.02),
    commitFail: some(0.02),
    turnCrash: some(0.02),
    moody: dice.pick(['', '', 'scheduler', 'cluster', 'job', 'node', 'runner', 'session', 'gate']),
    diskMs: dice.pick([10, 40, 400]),
  };
  const site = {
    ...nasty,
    lost: some(nasty.lost),
    ghost: some(nasty.ghost * 2),
    lying: some(nasty.lying),
    refusing: some(nasty.refusing),
    stale: some(nasty.stale),
    failing: some(nasty.failing),
  };
  return {
    faults,
    site,
    cuts: dice.between(0, 14),
    crashes: dice.between(0, 10),
    latencyMs: dice.pick([10, 40, 400, 4_000]),
    /** A host that was given to us burns down; an operator says so, some time later. */
    isHostLost: dice.chance(0.2),
  };
}

/** A head, a site that is unkind, workers that come and go, and people who want things. */
export class Day {
  readonly world: World;
  readonly head: SimNode;
  readonly site: MemorySite;
  readonly checks: Checks;
  readonly promises: Promises = {
    submitted: new Set(),
    cancelled: new Map(),
    requeued: new Map(),
    purged: new Set(),
  };
  readonly network: Network;
  readonly machines = new Map<string, { machine: Machine; worker: SimNode; cluster: string }>();
  readonly #faults: () => Faults;
  readonly #trouble: ReturnType<typeof troubles>;

  constructor(seed: number) {
    const world = new World(seed);
    this.world = world;
    this.#trouble = troubles(world);
    this.network = new Network(world, this.#trouble.latencyMs);
    const noon = world.now + NOON;
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
      onUp: (order) => this.#booted(order),
      onGone: (order) => this.#gone(order),
    });
    this.checks = new Checks({
      world,
      head: () => this.head,
      site: () => this.site,
      machines: () => [...this.machines.values()].map(({ machine }) => machine),
      clusterOf: ({ name }) => this.machines.get(name)?.cluster ?? '',
      promises: this.promises,
    });
    this.head = openHead({
      world,
      network: this.network,
      site: this.site,
      faults: this.#faults,
      committed: this.checks.committed,
      clustersMax: 4,
      cpusMax: 16,
    });
  }

  /** The whole day. Throws the first `Violation`. */
  async live(): Promise<World> {
    const { world } = this;
    this.head.start();
    for (let i = 1; i <= world.dice.between(1, 2); i++) this.#give(`host-${i}`, 4);
    this.#look();
    if (this.#trouble.isHostLost) this.#lose('host-1');
    this.#makeTrouble();
    plans(world, this.head, this.promises, NOON);
    await world.pass(NOON);
    await this.#untilDone();
    await world.pass(30 * MINUTE);
    this.#evening();
    if (world.violation !== undefined) throw world.violation;
    return world;
  }

  async #untilDone(): Promise<void> {
    const { world } = this;
    for (let passed = 0; passed < DAY; passed += MINUTE) {
      await world.pass(MINUTE);
      if (this.#unended().length === 0) return;
    }
    const [id = ''] = this.#unended();
    const { phase, details, reports, placement } = this.checks.job(id) ?? {};
    const where = placement?.cluster;
    const story = JSON.stringify({ phase, details, where, reports: reports?.map((r) => r?.phase) });
    world.violate('every job ends', `${id} ${story}`);
    await world.pass(0);
    throw world.violation;
  }

  #unended(): readonly string[] {
    return [...this.promises.submitted].filter((id) => this.checks.job(id)?.phase !== 'ended');
  }

  /** Cuts and crashes, at any time of the morning. */
  #makeTrouble(): void {
    const { world, network } = this;
    const { cuts, crashes } = this.#trouble;
    const nodes = (): SimNode[] => [
      this.head,
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
        const victim = world.dice.chance(0.5) ? this.head : world.dice.pick(nodes());
        victim.crash(world.dice.chance(0.5) ? 'on' : 'off', 'the dice');
      });
  }

  #lose(name: string): void {
    const { world } = this;
    const operator = new Client(world, this.head, 'olga', this.promises, 'operator');
    world.in(world.dice.between(MINUTE, NOON - 2 * MINUTE), () => {
      const there = this.machines.get(name);
      there?.worker.remove('it burns');
      there?.machine.destroy();
      this.machines.delete(name);
      world.in(world.dice.between(0, 2 * MINUTE), () => operator.giveUp(name));
    });
  }

  #look(): void {
    this.checks.promises();
    this.checks.site();
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
      const node = this.head.life?.node;
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
    this.#open(name, cpus, token, STANDING).start();
  }

  #booted(order: PartitionOrder): void {
    for (const node of order.nodes) {
      const token = order.bootstrap.tokens[node] ?? '';
      const worker = this.#open(node, FLAVORS[order.flavor] ?? 1, token, order.name);
      // Now and then a machine boots, and nothing is ever heard of it.
      if (this.world.dice.chance(0.03)) continue;
      this.world.in(this.world.dice.skewed(500, 30_000), () => worker.start());
    }
  }

  #open(name: string, cpus: number, token: string, cluster: string): SimNode {
    const { world, network, head } = this;
    const resources = { cpus, memoryBytes: 8 * GIB, gpus: 0 };
    const machine = new Machine(world, name, resources, this.checks.witness);
    const worker = openWorker({
      world,
      network,
      machine,
      head: () => head.life,
      token,
      faults: this.#faults,
      committed: () => {},
      restartMs: () => world.dice.skewed(100, 90_000),
    });
    this.machines.set(name, { machine, worker, cluster });
    return worker;
  }

  #gone(order: PartitionOrder): void {
    const externalId = this.site.truth().find(({ name }) => name === order.name)?.externalId ?? '';
    this.checks.removing(order, externalId);
    for (const node of order.nodes) {
      const there = this.machines.get(node);
      there?.worker.remove('its machine is deleted');
      there?.machine.destroy();
      this.machines.delete(node);
    }
  }

  /** Nothing is left of all that. */
  #evening(): void {
    const { world, head, site } = this;
    this.checks.promises();
    const nothing = (what: string, left: readonly unknown[]): void =>
      world.check('nothing is left behind', left.length === 0, () => `${what}: ${left}`);
    nothing(
      'at the site',
      site.truth().map(({ name }) => name),
    );
    for (const { machine, worker } of this.machines.values()) {
      nothing(`on ${machine.name}`, machine.remains());
      nothing(`in the records of ${machine.name}`, indexed(worker, 'node', '/live'));
      const open = [...(worker.life?.node.routes.find('/runners')?.children.names() ?? [])];
      nothing(`alive on ${machine.name}`, open);
    }
    const live = indexed(head, 'control', '/live').filter((path) => !isStanding(path));
    nothing('in the records of the head', live);
    const routes = head.life?.node.routes;
    for (const pool of ['/jobs', '/clusters'])
      nothing(
        `alive in ${pool}`,
        (routes?.find(pool)?.children.names() ?? []).filter((n) => n !== STANDING),
      );
    nothing('in the queue', indexed(head, 'control', '/queued'));
    for (const [id, phase] of this.promises.cancelled)
      if (!this.promises.purged.has(id)) this.#cancelled(id, phase);
  }

  /** A cancel that found the job before its end is its end. */
  #cancelled(id: string, phase: string): void {
    const job = this.checks.job(id);
    const isKept = phase === 'releasing' || job?.outcome?.state === 'C';
    const text = (): string => `${id} was ${phase}, and is ${JSON.stringify(job?.outcome)}`;
    this.world.check('a cancel is kept', isKept, text);
  }
}

const isStanding = (path: string): boolean =>
  path === `/clusters/${STANDING}` || path.startsWith('/nodes/host-');
