import type { HardState, Position } from '../../consensus/model.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeChanges, decodeMembers, entryBytes } from './entries.ts';
import type { Apply, ReplicaDisk, Write } from './ports.ts';
import type { Known, Tail } from './tail.ts';

export type ApplierHost = {
  /** Whether this head is the whole group: then nothing that is applied is kept in the log. */
  readonly isAlone: () => boolean;
  /** Entries are applied, and reads see them. */
  readonly seen: (applied: readonly Apply[]) => void;
  /** Entries up to here are kept no more. */
  readonly compacted: (upTo: number) => void;
  /** What comes after this index is still needed, if it is possible to keep it. */
  readonly needed: () => number;
  readonly broke: () => void;
};

type Chunk = Position & { readonly bytes: number };
/** Writes of applied entries under way, each of up to `raftEntryBytesMax`. */
const UNDER_WAY_MAX = 4;
/** By how much the log may outgrow its bounds for a head that is being sent a snapshot. */
const PATIENCE = 8;

/** Puts what is decided into the records, in order, and shortens the log behind it. */
export class Applier {
  readonly #disk: ReplicaDisk;
  readonly #tail: Tail;
  readonly #host: ApplierHost;
  #target: number;
  #given: number;
  #applied: number;
  #underWay = 0;
  #paused = false;
  /** What is applied and still in the log. */
  #chunks: Chunk[] = [];
  #chunkBytes = 0;

  constructor(disk: ReplicaDisk, tail: Tail, host: ApplierHost) {
    this.#disk = disk;
    this.#tail = tail;
    this.#host = host;
    this.#applied = disk.kept.applied.index;
    this.#given = this.#applied;
    this.#target = this.#applied;
    if (this.#applied > disk.kept.base.index) this.#chunks.push({ ...disk.kept.applied, bytes: 0 });
  }

  /** The last entry that reads see. */
  get applied(): number {
    return this.#applied;
  }

  /** Entries up to here are decided. */
  commitTo(index: number): void {
    this.#target = Math.max(this.#target, index);
    this.#more();
  }

  /** A write that makes entries durable and applied at once: nobody else has to agree. */
  aloneWrite(entries: readonly Known[], hard: HardState | undefined): Write {
    const before = this.#readAll(this.#given + 1, entries[0]!.index - 1);
    const apply = [...before, ...entries].map(toApply);
    const { index, term } = entries.at(-1)!;
    this.#given = index;
    this.#target = Math.max(this.#target, index);
    return { ...(hard && { hard }), apply, base: { index, term } };
  }

  /** Such a write is durable. */
  aloneWritten({ apply = [], base }: Write): void {
    this.#see(apply);
    this.#chunks = [];
    this.#chunkBytes = 0;
    if (base) this.#host.compacted(base.index);
  }

  /** Holds back all further writes while a snapshot is being installed. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on, from the snapshot if there is one now. */
  resume(): void {
    const { index } = this.#disk.kept.applied;
    if (index > this.#given) {
      this.#given = index;
      this.#applied = index;
      this.#target = Math.max(this.#target, index);
      this.#chunks = [];
      this.#chunkBytes = 0;
    }
    this.#paused = false;
    this.#more();
  }

  #more(): void {
    while (!this.#paused && this.#given < this.#target && this.#underWay < UNDER_WAY_MAX) {
      const entries = this.#tail.read(this.#given + 1, this.#target, limits.raftEntryBytesMax);
      this.#give(entries);
    }
  }

  #give(entries: readonly Known[]): void {
    const last = entries.at(-1);
    if (entries[0]?.index !== this.#given + 1 || last === undefined)
      throw new Error(`entry ${this.#given + 1} is decided, and not there`);
    const position = { index: last.index, term: last.term };
    const apply = entries.map(toApply);
    const forgets = this.#host.isAlone();
    const base = forgets ? { base: position } : {};
    this.#given = last.index;
    this.#underWay++;
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    this.#disk.write(
      { apply, ...base },
      (outcome) => {
        if (outcome === 'unknown') this.#host.broke();
      },
      () => {
        this.#underWay--;
        this.#see(apply);
        if (forgets) {
          this.#chunks = [];
          this.#chunkBytes = 0;
          this.#host.compacted(last.index);
        } else this.#shorten({ ...position, bytes });
        this.#more();
      },
    );
  }

  #see(apply: readonly Apply[]): void {
    this.#applied = apply.at(-1)!.index;
    this.#tail.trim(this.#applied);
    this.#host.seen(apply);
  }

  /** Drops what is too old from the log, a chunk at a time. */
  #shorten(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.bytes;
    const needed = this.#host.needed();
    let base: Chunk | undefined;
    for (let first = this.#chunks[0]!; this.#chunks.length > 1; first = this.#chunks[0]!) {
      const times = this.#times();
      if (times <= 1 || (first.index > needed && times <= PATIENCE)) break;
      this.#chunks.shift();
      this.#chunkBytes -= first.bytes;
      base = first;
    }
    if (base === undefined) return;
    this.#disk.write({ base: { index: base.index, term: base.term } }, (outcome) => {
      if (outcome === 'unknown') this.#host.broke();
    });
    this.#host.compacted(base.index);
  }

  /** How many times what may be kept the log is. */
  #times(): number {
    const entries = this.#applied - this.#disk.kept.base.index;
    const gone = this.#chunks[0]!.index - this.#disk.kept.base.index;
    return Math.max(
      (entries - gone) / limits.raftTailEntriesMax,
      this.#chunkBytes / limits.raftTailBytesMax,
    );
  }

  #readAll(from: number, to: number): readonly Known[] {
    const found: Known[] = [];
    while (from + found.length <= to) {
      const more = this.#tail.read(from + found.length, to, limits.raftEntryBytesMax);
      if (more.length === 0) throw new Error(`entry ${from + found.length} is not there`);
      found.push(...more);
    }
    return found;
  }
}

function toApply(entry: Known): Apply {
  const { index, term, at, kind, bytes } = entry;
  if (kind === 'members') return { index, term, at, changes: [], members: decodeMembers(bytes) };
  const changes = entry.changes ?? (kind === 'batch' ? decodeChanges(bytes) : []);
  return { index, term, at, changes };
}
