import type { Flavor, Gate, Image, Partition, PartitionOrder } from '../../src/actors/ports.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Clock, Millis } from '../../src/runtime/ports.ts';
import type { Manners } from './manners.ts';

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

type Kept = {
  readonly order: PartitionOrder;
  readonly partition: Partition;
  readonly shownAt: Millis;
  /** So often its removal fails yet. */
  readonly stubborn: number;
};
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
      find: (name, signal) => this.#call(signal, 'question', () => this.#find(name)),
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
    const { manners, dice, clock } = this.#options;
    const shownAt = manners.hiddenMs > 0 ? clock.now() + dice() * manners.hiddenMs : 0;
    const stubborn = this.#roll(manners.stubborn) ? 2 : 0;
    this.#change(order.name, { order, partition, shownAt, stubborn });
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
    const { order } = kept;
    const { manners, onUp } = this.#options;
    if (this.#roll(manners.failing))
      return this.#become(kept, { status: 'failed', description: 'Allocation failed.' });
    if (this.#roll(manners.partial)) {
      const some = order.nodes.slice(0, Math.ceil(order.nodes.length / 2));
      this.#become(kept, { status: 'failed', description: `${some.length} machines, and no more` });
      return onUp?.({ ...order, nodes: some });
    }
    const base = Number(externalId.split('/')[2]) * 64;
    const addresses = Object.fromEntries(
      order.nodes.map((node, at) => [node, `10.0.${(base + at) >> 8}.${(base + at) & 0xff}`]),
    );
    this.#become(kept, { status: 'succeeded', addresses });
    onUp?.(order);
    if (kept.partition.evicted !== undefined) void this.#evict(externalId);
  }

  /** Says that it will be taken back, and takes it. */
  async #evict(externalId: string): Promise<void> {
    const { manners } = this.#options;
    if (!this.#roll(manners.evicting)) return;
    await this.#wait(manners.evictMs);
    const kept = this.#byId(externalId);
    if (kept?.partition.status !== 'succeeded') return;
    this.#become(kept, { evicted: kept.order.nodes });
    await this.#wait(manners.noticeMs);
    const told = this.#byId(externalId);
    if (told?.partition.status !== 'succeeded') return;
    this.#become(told, { status: 'failed', description: 'Evicted.' });
    this.#options.onTaken?.(told.order);
  }

  #become(kept: Kept, change: Partial<Partition>): void {
    this.#change(kept.order.name, { ...kept, partition: { ...kept.partition, ...change } });
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
    const { order, stubborn } = kept;
    if (stubborn > 0 && this.#roll(this.#options.manners.stubborn)) {
      this.#change(order.name, { ...kept, stubborn: stubborn - 1 });
      throw new Failed('site_error', 'the site answered 500: a disk is in use');
    }
    this.#become(kept, { status: 'deleting' });
    this.#options.onGone?.(order);
    void this.#wait(this.#options.manners.removeMs).then(() => this.#change(order.name, undefined));
  }

  #list(): readonly Partition[] {
    const { manners, clock, dice } = this.#options;
    const now = [...this.#kept.values()].filter((kept) => this.#isShown(kept));
    if (!this.#roll(manners.stale)) return now.map(({ partition }) => partition);
    const at = clock.now() - Math.floor(dice() * manners.staleMs);
    return this.#past.find(({ until }) => until > at)?.partitions ?? this.truth();
  }

  #find(name: string): Partition | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined || !this.#isShown(kept)) return undefined;
    const { manners, dice } = this.#options;
    if (!this.#roll(manners.fickle)) return kept.partition;
    const lies = ['creating', 'updating', 'failed', 'deleting'] as const;
    return { ...kept.partition, status: lies[Math.floor(dice() * lies.length)]! };
  }

  #isShown({ shownAt }: Kept): boolean {
    return this.#options.manners.hiddenMs === 0 || shownAt <= this.#options.clock.now();
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
