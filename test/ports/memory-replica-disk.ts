import type { Entry, Kept } from '../../src/consensus/model.ts';
import { entryBytes } from '../../src/platform/replica/entries.ts';
import { afterWrite, nothingKept } from '../../src/platform/replica/kept.ts';
import type { ReplicaDisk, Snapshot, Write } from '../../src/platform/replica/ports.ts';
import { Failed, type Failure, failure } from '../../src/protocol/errors.ts';
import type { Change, Outcome, Range } from '../../src/runtime/ports.ts';
import { checkKey, MemoryDisk } from './memory-store.ts';

export type MemoryReplicaOptions = {
  readonly onBroken?: (reason: Failure) => void;
  readonly onGroup?: (batches: number) => void;
  /** Asked as each group reaches the disk, as the store in memory does. */
  readonly fate?: (batches: number) => 'commit' | 'crash' | 'fail';
  /** Told when `fate` cut the power. */
  readonly onCrash?: () => void;
};

type Pending = {
  readonly write: Write;
  readonly durable: (outcome: Outcome) => void;
  readonly visible: (() => void) | undefined;
};

type Copied = { readonly kept: Kept; readonly rows: readonly Change[] };

/** Files of snapshots, by path: one map for all heads, as if each had fetched what it installs. */
export type SnapshotFiles = Map<string, Copied>;

/** What of a head lives through crashes. */
export class MemoryReplicaPlace {
  readonly self: string;
  readonly files: SnapshotFiles;
  readonly later: (then: () => void) => void;
  readonly dice: (sides: number) => number;
  kept: Kept;
  records: MemoryDisk;
  log = new Map<number, Entry>();
  life = 0;
  #open: MemoryReplicaDisk | undefined;

  constructor(
    self: string,
    {
      joins = false,
      files = new Map(),
      later = setImmediate,
      dice = (sides) => sides - 1,
    }: {
      readonly joins?: boolean;
      readonly files?: SnapshotFiles;
      readonly later?: (then: () => void) => void;
      readonly dice?: (sides: number) => number;
    } = {},
  ) {
    this.self = self;
    this.files = files;
    this.later = later;
    this.dice = dice;
    this.kept = nothingKept({ voters: joins ? [] : [self], learners: [] });
    this.records = new MemoryDisk({ later, dice });
  }

  /** A new life; an older one that still runs is fenced off. */
  open(options: MemoryReplicaOptions = {}): MemoryReplicaDisk {
    this.life++;
    this.#open = new MemoryReplicaDisk(this, this.life, options);
    return this.#open;
  }

  /** Cuts the power: of what is in flight the dice say how many writes are on the disk. */
  crash(): void {
    this.#open?.crash();
  }

  play({ apply = [], ...write }: Write): void {
    const before = this.kept;
    this.kept = afterWrite(before, { ...write, apply });
    const first = write.entries?.[0]?.index ?? before.last + 1;
    for (let index = first; index <= before.last; index++) this.log.delete(index);
    for (const entry of write.entries ?? []) this.log.set(entry.index, entry);
    for (let n = before.base.index + 1; n <= this.kept.base.index; n++) this.log.delete(n);
    for (const { changes } of apply) this.records.apply(changes);
  }
}

/**
 * The disk of a head in tests: one group in flight, outcomes in order, and crashes that leave a
 * prefix of it. Writes are made whole or not at all.
 */
export class MemoryReplicaDisk implements ReplicaDisk {
  readonly #place: MemoryReplicaPlace;
  readonly #life: number;
  readonly #options: MemoryReplicaOptions;
  #state: 'alive' | 'broken' | 'crashed' = 'alive';
  #group: Pending[] | undefined;
  #waiting: Pending[] = [];
  #next: Kept;
  #closing: Promise<void> | undefined;
  #settled: (() => void)[] = [];

  constructor(place: MemoryReplicaPlace, life: number, options: MemoryReplicaOptions) {
    this.#place = place;
    this.#life = life;
    this.#options = options;
    this.#next = place.kept;
  }

  get kept(): Kept {
    return this.#next;
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    checkKey(key);
    return this.#place.records.get(key);
  }

  range({ from, to, limit, reverse = false }: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    for (const bound of [from, to]) if (bound !== '') checkKey(bound);
    const { records } = this.#place;
    const keys = records.between(from, to);
    const ordered = reverse ? keys.toReversed() : keys;
    return ordered.slice(0, Math.max(0, limit)).map((key) => [key, records.get(key)!] as const);
  }

  entries(from: number, to: number, bytesMax: number): readonly Entry[] {
    this.#mustBeOpen();
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = this.#place.log.get(index);
      if (entry === undefined) break;
      bytes += entryBytes(entry);
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  write(write: Write, durable: (outcome: Outcome) => void, visible?: () => void): void {
    if (this.#state === 'crashed') return;
    if (this.#state === 'broken' || this.#closing) {
      this.#place.later(() => durable('unknown'));
      return;
    }
    this.#next = afterWrite(this.#next, write);
    this.#waiting.push({ write, durable, visible });
    if (this.#waiting.length === 1 && this.#group === undefined)
      this.#place.later(() => this.#begin());
  }

  async snapshot(): Promise<Snapshot> {
    this.#mustBeOpen();
    const { files, kept, records, self } = this.#place;
    const { index, term, at } = kept.applied;
    const path = `${self}/${index}-${term}`;
    const rows = records.between('', '\u{10ffff}').map((key) => ({ key, value: records.get(key) }));
    const { voters, learners } = kept.members[0]!;
    files.set(path, { kept, rows });
    const sha256 = '0'.repeat(64);
    return { index, term, at, members: { voters, learners }, bytes: rows.length, sha256, path };
  }

  async install({ index, term, at, members, path }: Snapshot): Promise<Kept> {
    this.#mustBeOpen();
    const found = this.#place.files.get(path);
    if (found === undefined || found.kept.applied.index !== index)
      throw new Failed('corrupt', `The snapshot ${path} is none.`);
    if (index <= this.#next.applied.index)
      throw new Failed('refused', `The snapshot ${path} is older than what is here.`);
    if (this.#group !== undefined || this.#waiting.length > 0)
      await new Promise<void>((resolve) => this.#settled.push(resolve));
    if (this.#state !== 'alive') throw new Failed('disk_error', 'this life has ended');
    const place = this.#place;
    place.records = new MemoryDisk({ later: place.later, dice: place.dice });
    place.records.apply(found.rows);
    place.log.clear();
    place.kept = {
      hard: place.kept.hard,
      base: { index, term },
      terms: [],
      last: index,
      applied: { index, term, at },
      members: [{ ...members, index }],
    };
    this.#next = place.kept;
    return place.kept;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#group === undefined && this.#waiting.length === 0) resolve();
      else this.#settled.push(resolve);
    });
    return this.#closing;
  }

  crash(): void {
    if (this.#state === 'crashed') return;
    this.#state = 'crashed';
    this.#keepPart();
    this.#settle();
  }

  #begin(): void {
    if (this.#state !== 'alive' || this.#waiting.length === 0) return;
    this.#group = this.#waiting;
    this.#waiting = [];
    this.#place.later(() => this.#written());
  }

  #written(): void {
    const group = this.#group;
    if (this.#state !== 'alive' || group === undefined) return;
    if (this.#place.life !== this.#life) return this.#break([], 'in_use', 'opened again');
    const fate = this.#options.fate?.(group.length) ?? 'commit';
    if (fate === 'crash') {
      this.crash();
      this.#options.onCrash?.();
      return;
    }
    if (fate === 'fail') return this.#break(group, 'disk_full', 'the disk is full');
    for (const { write } of group) this.#place.play(write);
    this.#group = undefined;
    if (this.#waiting.length > 0) this.#begin();
    this.#options.onGroup?.(group.length);
    for (const { durable, visible } of group) {
      visible?.();
      durable('committed');
    }
    if (this.#group === undefined && this.#waiting.length === 0) this.#settle();
  }

  #break(group: readonly Pending[], code: 'in_use' | 'disk_full', text: string): void {
    this.#state = 'broken';
    const lost = [...(this.#group ?? []), ...this.#waiting];
    if (group.length > 0) this.#keepPart();
    this.#group = undefined;
    this.#waiting = [];
    this.#options.onBroken?.(failure(code, text));
    for (const { durable } of lost) durable('unknown');
    this.#settle();
  }

  #keepPart(): void {
    const group = this.#group ?? [];
    const kept = group.length === 0 ? 0 : this.#place.dice(group.length + 1);
    for (const { write } of group.slice(0, kept)) this.#place.play(write);
    this.#group = undefined;
    this.#waiting = [];
  }

  #settle(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #mustBeOpen(): void {
    if (this.#state === 'crashed') throw new Error('this life of the disk has crashed');
    if (this.#closing) throw new Error('the disk is closed');
  }
}
