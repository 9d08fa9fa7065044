import type { Heading } from '../../consensus/messages.ts';
import type { Entry } from '../../consensus/model.ts';
import type { Change, Millis } from '../../runtime/ports.ts';
import { encodeChanges, encodeMembers, entryBytes } from './entries.ts';
import type { ReplicaDisk } from './ports.ts';

/** An entry and, where this head made it, the changes that its bytes stand for. */
export type Known = Entry & { readonly changes?: readonly Change[] };

/**
 * The end of the log in memory: what is not on the disk yet must be here, and what was written
 * last stays, up to a number of bytes, so that other heads are fed without a look at the disk.
 */
export class Tail {
  readonly #disk: ReplicaDisk;
  readonly #bytesMax: number;
  readonly #entries = new Map<number, Known>();
  #bytes = 0;
  #first = 0;
  #last = 0;

  constructor(disk: ReplicaDisk, bytesMax: number) {
    this.#disk = disk;
    this.#bytesMax = bytesMax;
    this.clear();
  }

  /** Forgets all: the disk has another log now. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
    this.#last = this.#disk.kept.last;
    this.#first = this.#last + 1;
  }

  /** Puts entries in a row; what was from the first one on is cut. */
  put(entries: readonly Known[]): void {
    const first = entries[0]?.index ?? this.#last + 1;
    for (let index = this.#last; index >= first; index--) this.#drop(index);
    for (const entry of entries) {
      this.#entries.set(entry.index, entry);
      this.#bytes += entryBytes(entry);
      this.#last = entry.index;
    }
    this.#first = Math.min(this.#first, first);
  }

  /** Lets go of what is too much, but of nothing after `applied`. */
  trim(applied: number): void {
    while (this.#bytes > this.#bytesMax && this.#first <= Math.min(applied, this.#last))
      this.#drop(this.#first++);
  }

  /** Entries in a row from `from` up to `to`, at least one; fewer if they are gone. */
  read(from: number, to: number, bytesMax: number): readonly Known[] {
    if (from < this.#first)
      return this.#disk.entries(from, Math.min(to, this.#first - 1), bytesMax);
    const found: Known[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = this.#entries.get(index);
      if (entry === undefined) break;
      bytes += entryBytes(entry);
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  #drop(index: number): void {
    const entry = this.#entries.get(index);
    if (entry === undefined) return;
    this.#bytes -= entryBytes(entry);
    this.#entries.delete(index);
  }
}

/** The log time of the last entry that is kept, or of the last that was applied. */
export function lastAt(disk: ReplicaDisk): Millis {
  const { last, base, applied } = disk.kept;
  return last > base.index ? disk.entries(last, last, 1)[0]!.at : applied.at;
}

/**
 * The entry of a heading: as it came from the leader, or one of this head's own of these changes.
 * One that is decided `alone` is never in the log, and so needs no bytes.
 */
export function entryOf(
  heading: Heading,
  at: Millis,
  changes: readonly Change[],
  alone: boolean,
): Known {
  if ('bytes' in heading) return heading as Known;
  const { index, term, kind, members } = heading;
  if (kind === 'batch') {
    const bytes = alone ? new Uint8Array(0) : encodeChanges(changes);
    return { index, term, kind, at, bytes, changes };
  }
  return { index, term, kind, at, bytes: members ? encodeMembers(members) : new Uint8Array(0) };
}
