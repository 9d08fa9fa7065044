import { keeping as clusterKeeping } from '../../../src/actors/cluster/keeping.ts';
import type { PartitionOrder } from '../../../src/actors/ports.ts';
import { limits } from '../../../src/protocol/limits.ts';
import type { Change } from '../../../src/runtime/ports.ts';
import { pathOfKey } from '../../../src/runtime/record.ts';
import { calm as calmSite, nastiest } from '../../ports/manners.ts';
import { MemorySite } from '../../ports/memory-gate.ts';
import { indexed, kept } from '../kept.ts';
import { Network } from '../network.ts';
import { calm, type Faults } from '../node.ts';
import { World } from '../world.ts';
import { Attaching, isAttaching } from './attaching.ts';
import { Checks } from './checks.ts';
import { Client, noPromises } from './clients.ts';
import { evening, untilDone } from './evening.ts';
import { Heads } from './heads.ts';
import { Machines, type There } from './machines.ts';
import { script } from './script.ts';

const MINUTE = 60_000;
/** The site, and the head's disk, are unkind until then. */
const STORM = 6 * MINUTE;
const JOBS = 40;

/** How a head fares in a storm: it dies at any save, and at any call to the site. */
const stormy: Faults = { ...calm, commitCrash: 0.004, siteCrash: 0.004 };

/**
 * Many short lives of clusters at the worst of sites: jobs come all at once, most of them are
 * cancelled soon, and the one head dies again and again, at a save or at a call to the site.
 */
export class Rush {
  readonly world: World;
  readonly heads: Heads;
  readonly site: MemorySite;
  readonly checks: Checks;
  readonly promises = noPromises((id) => this.checks.acknowledged(id));
  /** Each life of a cluster of each name. */
  readonly lives = new Set<string>();
  readonly #machines: Machines;

  constructor(seed: number) {
    const world = new World(seed);
    this.world = world;
    const network = new Network(world, 40);
    const storm = world.now + STORM;
    const attaching = new Attaching(world, () => world.now >= storm);
    const faults = (): Faults => (world.now < storm ? stormy : calm);
    const gentle = { ...calmSite, lateMs: 500, bootMs: 5_000, removeMs: 5_000 };
    const room = { clusters: JOBS, cpus: 8 * JOBS };
    this.site = new MemorySite({
      ...room,
      clock: world.clock,
      dice: () => world.dice.roll(),
      get manners() {
        return world.now < storm ? nastiest : gentle;
      },
      onUp: (order) => this.#machines.booted(order),
      onGone: (order) => this.#gone(order),
    });
    this.heads = new Heads({
      world,
      network,
      site: this.site,
      faults,
      decided: (changes) => this.#decided(changes),
      promises: this.promises,
      clustersMax: room.clusters,
      cpusMax: room.cpus,
      restartMsMax: 5_000,
      attach: isAttaching(world) ? attaching.attach : undefined,
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
      network,
      heads: () => this.heads,
      faults,
      witness: this.checks.witness,
      restartMsMax: 10_000,
      startMsMax: 10_000,
      mute: 0.01,
      attaching,
    });
  }

  get machines(): ReadonlyMap<string, There> {
    return this.#machines.all;
  }

  /** All of it. Throws the first `Violation`. */
  async live(): Promise<World> {
    const { world } = this;
    this.heads.begin(1);
    this.#look();
    this.#want();
    await world.pass(STORM);
    await this.#tornDown();
    await untilDone(this);
    await world.pass(limits.createMsMax + 4 * limits.sweepMs);
    evening(this);
    if (world.violation !== undefined) throw world.violation;
    return world;
  }

  /** People come, and most think better of it. */
  #want(): void {
    const { world, promises } = this;
    const { dice } = world;
    const client = new Client(world, () => this.heads.nodes(), 'ann', promises);
    for (let i = 0; i < JOBS; i++)
      world.in(dice.between(0, STORM - MINUTE), () => {
        const flavor = dice.pick(['tiny', 'tiny', 'small']);
        const nodes = dice.chance(0.2) ? dice.between(2, 3) : 1;
        const keep = dice.chance(0.3) ? '#SWM keep-resources\n#SWM account lab\n' : '';
        const wish = `#SWM flavor ${flavor}\n#SWM nodes ${nodes}\n${keep}`;
        const id = client.submit(`${script(dice.skewed(50, 20_000), 0)}${wish}`);
        if (dice.chance(0.7)) world.in(dice.skewed(100, MINUTE), () => client.cancel(id));
      });
  }

  /** What is being released as the site heals is gone a minute later. */
  async #tornDown(): Promise<void> {
    const { world } = this;
    const going = (): readonly string[] =>
      this.#clusters().flatMap(({ phase, name, life }) =>
        phase === 'releasing' ? [`${name} of life ${life}`] : [],
      );
    const before = new Set(going());
    await world.pass(MINUTE);
    const left = going().filter((one) => before.has(one));
    world.check('what is released is gone in a minute', left.length === 0, () => `${left}`);
    await world.pass(0);
  }

  #clusters() {
    const { truth } = this.heads.ledger;
    return indexed(truth, '/clusters').flatMap((path) => kept(truth, clusterKeeping, path) ?? []);
  }

  #decided(changes: readonly Change[]): void {
    for (const { key } of changes) {
      const path = pathOfKey(key);
      if (path?.startsWith('/clusters/') !== true) continue;
      const { life = 0 } = kept(this.heads.ledger.truth, clusterKeeping, path) ?? {};
      if (life > 0) this.lives.add(`${path} ${life}`);
    }
    this.checks.committed(changes);
  }

  #look(): void {
    this.checks.promises();
    this.checks.site();
    this.world.in(5_000, () => this.#look());
  }

  #gone(order: PartitionOrder): void {
    const externalId = this.site.truth().find(({ name }) => name === order.name)?.externalId ?? '';
    this.checks.removing(order, externalId);
    this.#machines.gone(order.nodes, 'its machine is deleted');
  }
}
