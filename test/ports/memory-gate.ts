import type { Flavor, Gate, Image, Partition, PartitionOrder } from '../../src/actors/ports.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Clock, Millis } from '../../src/runtime/ports.ts';

/** How a site treats those who use it. Chances are shares of calls, from 0 to 1. */
export type Manners = {
  /** A call, and its answer, each take up to this long. */
  readonly lateMs: Millis;
  /** A call is lost on its way: its caller hears of a timeout, and nothing was done. */
  readonly lost: number;
  /** A call times out and is done all the same, up to `ghostMs` later. */
  readonly ghost: number;
  readonly ghostMs: Millis;
  /** A call is done, and its answer is a timeout or an error of the site. */
  readonly lying: number;
  /** An order is refused for want of quota. */
  readonly refusing: number;
  /** A list is of a moment up to `staleMs` ago. */
  readonly stale: number;
  readonly staleMs: Millis;
  /** A partition fails to boot. */
  readonly failing: number;
  /** The longest that booting and removing take. */
  readonly bootMs: Millis;
  readonly removeMs: Millis;
  /** A partition that booted is taken back, after up to so long and then so much notice. */
  readonly evicting: number;
  readonly evictMs: Millis;
  readonly noticeMs: Millis;
};

export const calm: Manners = {
  lateMs: 0,
  lost: 0,
  ghost: 0,
  ghostMs: 0,
  lying: 0,
  refusing: 0,
  stale: 0,
  staleMs: 0,
  failing: 0,
  bootMs: 0,
  removeMs: 0,
  evicting: 0,
  evictMs: 0,
  noticeMs: 0,
};

export const nasty: Manners = {
  lateMs: 2_000,
  lost: 0.1,
  ghost: 0.05,
  ghostMs: 60_000,
  lying: 0.2,
  refusing: 0.1,
  stale: 0.3,
  staleMs: 30_000,
  failing: 0.1,
  bootMs: 20_000,
  removeMs: 20_000,
  evicting: 0,
  evictMs: 60_000,
  noticeMs: 30_000,
};

export type SiteOptions = {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly dice: () => number;
  readonly manners: Manners;
  readonly clusters: number;
  readonly cpus: number;
  readonly flavors?: readonly Flavor[];
  readonly images?: readonly Image[];
  /** The partition's machines have booted: whoever plays them starts their workers. */
  readonly onUp?: (order: PartitionOrder) => void;
  /** The site has taken them back; the partition is still to be removed. */
  readonly onTaken?: (order: PartitionOrder) => void;
  /** They are gone, whatever they were doing. */
  readonly onGone?: (order: PartitionOrder) => void;
};

const gib = 1 << 30;
const flavor = (name: string, cpus: number, memoryBytes: number, price: number): Flavor => ({
  name,
  resources: { cpus, memoryBytes, gpus: 0 },
  storageBytes: 0,
  price,
});
const usualFlavors = [
  flavor('tiny', 1, gib / 2, 0.01),
  flavor('small', 2, 2 * gib, 0.04),
  flavor('medium', 4, 8 * gib, 0.12),
  flavor('large', 8, 16 * gib, 0.24),
];
const usualImages: readonly Image[] = [{ name: 'host', kind: 'cloud' }];

type Kept = { readonly order: PartitionOrder; partition: Partition };
type Past = { readonly until: Millis; readonly partitions: readonly Partition[] };

/**
 * A site in memory that lives longer than the heads that use it. It keeps to what a gate promises,
 * and is as unkind as the promise allows: see `Manners`. The same dice give the same history.
 */
export class MemorySite {
  readonly #options: SiteOptions;
  readonly #kept = new Map<string, Kept>();
  #past: readonly Past[] = [];
  #count = 0;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** What is really there now, for invariants; a gate may tell otherwise. */
  truth(): readonly Partition[] {
    return [...this.#kept.values()].map(({ partition }) => partition);
  }

  /** The site as one head sees it. */
  gate(): Gate {
    const { flavors = usualFlavors, images = usualImages } = this.#options;
    return {
      create: (order, signal) => this.#call(signal, 'order', () => this.#create(order)),
      find: (name, signal) => this.#call(signal, 'question', () => this.#kept.get(name)?.partition),
      remove: (externalId, signal) => this.#remove(externalId, signal),
      list: (signal) => this.#call(signal, 'question', () => this.#list()),
      flavors: (signal) => this.#call(signal, 'question', () => flavors),
      images: (signal) => this.#call(signal, 'question', () => images),
    };
  }

  #roll(chance: number): boolean {
    return chance > 0 && this.#options.dice() < chance;
  }

  #wait(upTo: Millis): Promise<void> {
    const ms = upTo === 0 ? 0 : Math.floor(this.#options.dice() * upTo);
    return new Promise((resolve) => this.#options.clock.timer(ms, resolve));
  }

  /**
   * A call crosses the wire, is done, and its answer crosses back. Whoever gives up hears of it at
   * once, but what is on its way cannot be called back.
   */
  #call<T>(signal: AbortSignal, kind: 'order' | 'question', act: () => T): Promise<T> {
    if (signal.aborted) return Promise.reject(new Failed('timeout', 'given up before the call'));
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(new Failed('timeout', 'the call was given up'));
      signal.addEventListener('abort', stop, { once: true });
      const over = (): void => signal.removeEventListener('abort', stop);
      this.#cross(kind, act).then(resolve, reject).finally(over);
    });
  }

  async #cross<T>(kind: 'order' | 'question', act: () => T): Promise<T> {
    const { manners, clock } = this.#options;
    await this.#wait(manners.lateMs);
    if (this.#roll(manners.lost)) throw new Failed('timeout', 'the call was lost');
    if (kind === 'order' && this.#roll(manners.ghost)) {
      const ms = Math.floor(this.#options.dice() * manners.ghostMs);
      clock.timer(ms, () => this.#ghost(act));
      throw new Failed('timeout', 'no answer');
    }
    const done = act();
    await this.#wait(manners.lateMs);
    if (!this.#roll(manners.lying)) return done;
    throw this.#roll(0.5)
      ? new Failed('timeout', 'no answer')
      : new Failed('site_error', 'the site answered 500');
  }

  /** Nobody hears any more how it went. */
  #ghost(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
    }
  }

  #create(order: PartitionOrder): Partition {
    const found = this.#kept.get(order.name)?.partition;
    if (found?.status === 'deleting') throw new Failed('releasing', `${order.name} is going`);
    if (found !== undefined && found.installation !== order.installation)
      throw new Failed('refused', `${order.name} belongs to ${found.installation}`);
    if (found !== undefined) return found;
    this.#checkRoom(order);
    const partition: Partition = {
      externalId: `site/${order.name}/${++this.#count}`,
      name: order.name,
      status: 'creating',
      description: '',
      addresses: {},
      installation: order.installation,
      createdAt: this.#options.clock.now(),
      ...(this.#options.manners.evicting > 0 && { evicted: [] }),
    };
    this.#change(order.name, { order, partition });
    void this.#wait(this.#options.manners.bootMs).then(() => this.#boot(partition.externalId));
    return partition;
  }

  #checkRoom(order: PartitionOrder): void {
    const { flavors = usualFlavors, images = usualImages } = this.#options;
    const cpusOf = ({ flavor: name, nodes }: PartitionOrder): number =>
      (flavors.find((each) => each.name === name)?.resources.cpus ?? 0) * nodes.length;
    const { clusters, cpus, manners } = this.#options;
    if (!flavors.some(({ name }) => name === order.flavor))
      throw new Failed('impossible', `no flavor ${order.flavor}; known: ${namesOf(flavors)}`);
    if (order.image !== '' && !images.some(({ name }) => name === order.image))
      throw new Failed('impossible', `no image ${order.image}; known: ${namesOf(images)}`);
    if (cpusOf(order) > cpus) throw new Failed('impossible', `the site has ${cpus} cpus`);
    if (this.#roll(manners.refusing)) throw new Failed('quota', 'the quota is used up');
    const used = [...this.#kept.values()].reduce((sum, { order: each }) => sum + cpusOf(each), 0);
    if (this.#kept.size >= clusters || used + cpusOf(order) > cpus)
      throw new Failed('capacity', 'the site is full');
  }

  #boot(externalId: string): void {
    const kept = this.#byId(externalId);
    if (kept?.partition.status !== 'creating') return;
    const { order, partition } = kept;
    if (this.#roll(this.#options.manners.failing)) {
      const description = 'Allocation failed.';
      this.#change(order.name, {
        order,
        partition: { ...partition, status: 'failed', description },
      });
      return;
    }
    const base = Number(externalId.split('/')[2]) * 64;
    const addresses = Object.fromEntries(
      order.nodes.map((node, at) => [node, `10.0.${(base + at) >> 8}.${(base + at) & 0xff}`]),
    );
    this.#change(order.name, {
      order,
      partition: { ...partition, status: 'succeeded', addresses },
    });
    this.#options.onUp?.(order);
    if (partition.evicted !== undefined) void this.#evict(externalId);
  }

  /** Says that it will be taken back, and takes it. */
  async #evict(externalId: string): Promise<void> {
    const { manners } = this.#options;
    if (!this.#roll(manners.evicting)) return;
    await this.#wait(manners.evictMs);
    const kept = this.#byId(externalId);
    if (kept?.partition.status !== 'succeeded') return;
    const { order } = kept;
    const told = { ...kept.partition, evicted: order.nodes };
    this.#change(order.name, { order, partition: told });
    await this.#wait(manners.noticeMs);
    if (this.#byId(externalId)?.partition.status !== 'succeeded') return;
    const taken = { ...told, status: 'failed' as const, description: 'Evicted.' };
    this.#change(order.name, { order, partition: taken });
    this.#options.onTaken?.(order);
  }

  async #remove(externalId: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, 'order', () => this.#condemn(externalId));
    while (this.#byId(externalId) !== undefined) {
      if (signal.aborted) throw new Failed('timeout', 'given up before it was gone');
      await this.#wait(1_000);
    }
  }

  #condemn(externalId: string): void {
    const kept = this.#byId(externalId);
    if (kept === undefined || kept.partition.status === 'deleting') return;
    const { order, partition } = kept;
    this.#change(order.name, { order, partition: { ...partition, status: 'deleting' } });
    this.#options.onGone?.(order);
    void this.#wait(this.#options.manners.removeMs).then(() => this.#change(order.name, undefined));
  }

  #list(): readonly Partition[] {
    const { manners, clock, dice } = this.#options;
    if (!this.#roll(manners.stale)) return this.truth();
    const at = clock.now() - Math.floor(dice() * manners.staleMs);
    return this.#past.find(({ until }) => until > at)?.partitions ?? this.truth();
  }

  #byId(externalId: string): Kept | undefined {
    return [...this.#kept.values()].find(({ partition }) => partition.externalId === externalId);
  }

  #change(name: string, kept: Kept | undefined): void {
    const now = this.#options.clock.now();
    const since = now - this.#options.manners.staleMs;
    const past = { until: now, partitions: this.truth() };
    this.#past = [...this.#past.filter(({ until }) => until >= since), past];
    if (kept === undefined) this.#kept.delete(name);
    else this.#kept.set(name, kept);
  }
}

const namesOf = (all: readonly { readonly name: string }[]): string =>
  all.map(({ name }) => name).join(', ');
