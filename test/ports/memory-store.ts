import { type Failure, failure, Malformed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Change, Outcome, Range, Store } from '../../src/runtime/ports.ts';

export type MemoryDiskOptions = {
  /** Runs something later, which is how long a commit takes. */
  readonly later?: (then: () => void) => void;
  /** A whole number from 0 to `sides` − 1: how much of a lost group is on the disk even so. */
  readonly dice?: (sides: number) => number;
};

export type MemoryStoreOptions = {
  readonly onBroken?: (reason: Failure) => void;
  readonly onGroup?: (batches: number) => void;
  /**
   * Asked as each group reaches the disk. `crash`: the power is cut there; `fail`: the disk
   * refuses, and the life hears of it. Either way the dice say how many batches are there.
   */
  readonly fate?: (batches: number) => 'commit' | 'crash' | 'fail';
  /** Told when `fate` cut the power: whoever runs this life ends it now. */
  readonly onCrash?: () => void;
};

type Batch = {
  readonly changes: readonly Change[];
  readonly then: (outcome: Outcome) => void;
};

/** Orders strings as their UTF-8 bytes are ordered, which is not how JavaScript compares them. */
export function compareKeys(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return place(left) - place(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above all others. */
const place = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;

/** A disk that lives through crashes; one life at a time has it open. */
export class MemoryDisk {
  readonly later: (then: () => void) => void;
  readonly dice: (sides: number) => number;
  readonly #values = new Map<string, Uint8Array>();
  #keys: string[] = [];
  #life: MemoryStore | undefined;
  #term = 0;

  constructor({ later = setImmediate, dice = (sides) => sides - 1 }: MemoryDiskOptions = {}) {
    this.later = later;
    this.dice = dice;
  }

  get term(): number {
    return this.#term;
  }

  /** A new life under a higher term; an older one that still runs is fenced off. */
  open(options: MemoryStoreOptions = {}): MemoryStore {
    this.#term++;
    this.#life = new MemoryStore(this, this.#term, options);
    return this.#life;
  }

  /** Cuts the power: of a group in flight the dice say how many batches are on the disk. */
  crash(): void {
    this.#life?.crash();
    this.#life = undefined;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  /** Keys from `from` up to, not including, `to`. */
  between(from: string, to: string): readonly string[] {
    return this.#keys.slice(this.#find(from), this.#find(to));
  }

  apply(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.#delete(key);
      else this.#set(key, value);
    }
  }

  #set(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#find(key), 0, key);
    this.#values.set(key, value);
  }

  #delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#find(key), 1);
  }

  #find(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The store of tests: one group in flight, outcomes in order, and crashes that leave a prefix of
 * it. Harsher than LMDB, which keeps or loses a group whole.
 */
export class MemoryStore implements Store {
  readonly term: number;
  readonly #disk: MemoryDisk;
  readonly #options: MemoryStoreOptions;
  #state: 'alive' | 'broken' | 'crashed' = 'alive';
  #group: Batch[] | undefined;
  #waiting: Batch[] = [];
  #closing: Promise<void> | undefined;
  #settled: (() => void) | undefined;

  constructor(disk: MemoryDisk, term: number, options: MemoryStoreOptions) {
    this.#disk = disk;
    this.term = term;
    this.#options = options;
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    checkKey(key);
    return this.#disk.get(key);
  }

  range({ from, to, limit, reverse = false }: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    for (const bound of [from, to]) if (bound !== '') checkKey(bound);
    const keys = this.#disk.between(from, to);
    const ordered = reverse ? keys.toReversed() : keys;
    return ordered.slice(0, Math.max(0, limit)).map((key) => [key, this.#disk.get(key)!] as const);
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    for (const { key } of changes) checkKey(key);
    if (this.#state === 'crashed') return;
    if (this.#state === 'broken' || this.#closing) {
      this.#disk.later(() => then('unknown'));
      return;
    }
    this.#waiting.push({ changes, then });
    if (this.#waiting.length === 1 && this.#group === undefined)
      this.#disk.later(() => this.#write());
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#group === undefined && this.#waiting.length === 0) resolve();
      else this.#settled = resolve;
    });
    return this.#closing;
  }

  crash(): void {
    if (this.#state === 'crashed') return;
    this.#state = 'crashed';
    this.#keepPart();
    this.#settled?.();
  }

  #write(): void {
    if (this.#state !== 'alive' || this.#waiting.length === 0) return;
    this.#group = this.#waiting;
    this.#waiting = [];
    this.#disk.later(() => this.#written());
  }

  #written(): void {
    const group = this.#group;
    if (this.#state !== 'alive' || group === undefined) return;
    if (this.#disk.term !== this.term) return this.#break([], 'in_use', 'opened again');
    const fate = this.#options.fate?.(group.length) ?? 'commit';
    if (fate === 'crash') {
      this.crash();
      this.#options.onCrash?.();
      return;
    }
    if (fate === 'fail') return this.#break(group, 'disk_full', 'the disk is full');
    for (const { changes } of group) this.#disk.apply(changes);
    this.#group = undefined;
    if (this.#waiting.length > 0) this.#write();
    this.#options.onGroup?.(group.length);
    for (const { then } of group) then('committed');
    if (this.#group === undefined && this.#waiting.length === 0) this.#settled?.();
  }

  #break(group: readonly Batch[], code: 'in_use' | 'disk_full', text: string): void {
    this.#state = 'broken';
    const lost = [...(this.#group ?? []), ...this.#waiting];
    if (group.length > 0) this.#keepPart();
    this.#group = undefined;
    this.#waiting = [];
    this.#options.onBroken?.(failure(code, text));
    for (const { then } of lost) then('unknown');
    this.#settled?.();
  }

  #keepPart(): void {
    const group = this.#group ?? [];
    const kept = group.length === 0 ? 0 : this.#disk.dice(group.length + 1);
    for (const { changes } of group.slice(0, kept)) this.#disk.apply(changes);
    this.#group = undefined;
    this.#waiting = [];
  }

  #mustBeOpen(): void {
    if (this.#state === 'crashed') throw new Error('this life of the store has crashed');
    if (this.#closing) throw new Error('the store is closed');
  }
}

/** Throws `Malformed` for a key that no store takes. */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key, 'utf8');
  if (bytes === 0 || bytes > limits.keyBytesMax || !key.isWellFormed())
    throw new Malformed('key', `1 to ${limits.keyBytesMax} bytes of UTF-8, not ${bytes}`);
}
