/** What a gate service has behind it: partitions that boot, and take their time to go. */

export type Machine = {
  readonly id: string;
  readonly name: string;
  readonly flavor: string;
  readonly nodes: number;
  readonly created: string;
  status: string | null;
  /** It is asked for, and not in any answer yet. */
  hidden: boolean;
};

export type CloudOptions = {
  readonly idOf: (name: string, count: number) => string;
  readonly clusters: number;
  readonly cpus: number;
  readonly bootMs: number;
  readonly hiddenMs: number;
  readonly removeMs: number;
  /** Its machines are switched off. */
  readonly onGone?: (name: string) => void;
};

export const flavors = [
  { name: 'tiny', cpus: 1, gpus: 0, megabytes: 512, storage: 10_240, price: 0.01 },
  { name: 'small', cpus: 2, gpus: 0, megabytes: 2_048, storage: 10_240, price: 0.04 },
  { name: 'large', cpus: 8, gpus: 1, megabytes: 16_384, storage: 102_400, price: 0.24 },
];

export class Cloud {
  readonly #options: CloudOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly partitions = new Map<string, Machine>();
  #count = 0;

  constructor(options: CloudOptions) {
    this.#options = options;
  }

  /** What is wrong with an order, in the cloud's own words, or the new partition. */
  make(name: string, flavor: string, nodes: number): Machine | string {
    const { clusters, cpus, idOf, bootMs, hiddenMs } = this.#options;
    const cpusOf = (one: string): number => flavors.find((each) => each.name === one)?.cpus ?? 0;
    const all = [...this.partitions.values()];
    const used = all.reduce((sum, each) => sum + cpusOf(each.flavor) * each.nodes, 0);
    if (all.length >= clusters || used + cpusOf(flavor) * nodes > cpus)
      return '(AllocationFailed) The location has no room for it.\nCode: AllocationFailed';
    const id = idOf(name, ++this.#count);
    const created = '2026-11-12T10:00:00';
    const made: Machine = { id, name, flavor, nodes, created, status: null, hidden: hiddenMs > 0 };
    this.partitions.set(name, made);
    this.after(hiddenMs, () => {
      made.hidden = false;
      made.status ??= 'creating';
      this.after(bootMs, () => {
        if (made.status === 'creating') made.status = 'succeeded';
      });
    });
    return made;
  }

  /** Whether there was something to remove. */
  remove(id: string): boolean {
    const found = [...this.partitions.values()].find((each) => each.id === id);
    if (found === undefined || found.status === 'deleting') return false;
    found.status = 'deleting';
    this.after(this.#options.removeMs, () => {
      this.#options.onGone?.(found.name);
      this.partitions.delete(found.name);
    });
    return true;
  }

  after(ms: number, act: () => void): void {
    if (ms === 0) return act();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
