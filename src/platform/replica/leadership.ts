import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Change, Outcome, Range, Records, Store } from '../../runtime/ports.ts';
import { measureChange } from '../store-records.ts';

type Then = (outcome: Outcome) => void;
export type Batch = {
  readonly changes: readonly Change[];
  readonly bytes: number;
  readonly then: Then;
};
/** What an entry adds to the bytes of each change. */
const CHANGE_BYTES = 8;

/** What a leadership needs of its head. */
export type Host = {
  readonly records: Records;
  /** Runs something after what runs now. */
  readonly later: (then: () => void) => void;
  /** There is something to propose. */
  readonly wake: () => void;
  /** Whether the group has other heads, to which entries must be sent. */
  readonly hasOthers: () => boolean;
  /** Told how many batches became durable together. */
  readonly onGroup: (batches: number) => void;
};

/**
 * The store of one leadership: it commits under its own term only. Once the head is deposed, all
 * that is under way and all that comes later ends unknown, also if the same head leads again.
 */
export class Leadership implements Store {
  readonly term: number;
  readonly #host: Host;
  #queue: Batch[] = [];
  #proposed: { readonly index: number; readonly batches: readonly Batch[] }[] = [];
  #ended = false;
  #closed = false;
  #settled: (() => void)[] = [];

  constructor(term: number, host: Host) {
    this.term = term;
    this.#host = host;
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    return this.#host.records.get(key);
  }

  range(range: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    return this.#host.records.range(range);
  }

  commit(changes: readonly Change[], then: Then): void {
    let bytes = 0;
    for (const change of changes) bytes += CHANGE_BYTES + measureChange(change);
    if (bytes > limits.raftBatchBytesMax && this.#host.hasOthers())
      throw new Malformed('changes', `at most ${limits.raftBatchBytesMax} bytes, not ${bytes}`);
    if (this.#ended || this.#closed) return this.#host.later(() => then('unknown'));
    this.#queue.push({ changes, bytes, then });
    this.#host.wake();
  }

  /** Resolves once all that was taken has ended; it takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#queue.length > 0 || this.#proposed.length > 0)
      await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /** What the next entry is made of, if `proposalsMax` allows for one now. */
  take(proposalsMax: number): readonly Batch[] | undefined {
    if (this.#proposed.length >= proposalsMax || this.#queue.length === 0) return undefined;
    let count = 0;
    let changes = 0;
    let bytes = 0;
    for (const batch of this.#queue) {
      bytes += batch.bytes;
      if (count > 0 && bytes > limits.raftEntryBytesMax) break;
      changes += batch.changes.length;
      count++;
    }
    if (changes > 0) return this.#queue.splice(0, count);
    if (this.#proposed.length === 0) this.#tell(this.#queue.splice(0, count), 'committed');
    return undefined;
  }

  /** Batches that could not be proposed now are to be taken again. */
  giveBack(batches: readonly Batch[]): void {
    this.#queue.unshift(...batches);
  }

  proposed(index: number, batches: readonly Batch[]): void {
    this.#proposed.push({ index, batches });
  }

  /** All entries up to here are committed, and seen by reads. */
  applied(upTo: number): void {
    while (this.#proposed.length > 0 && this.#proposed[0]!.index <= upTo) {
      const { batches } = this.#proposed.shift()!;
      this.#host.onGroup(batches.length);
      this.#tell(batches, 'committed');
    }
  }

  /** Ends it: nobody knows what became of all that is not applied. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const lost = [...this.#proposed.flatMap(({ batches }) => batches), ...this.#queue];
    this.#proposed = [];
    this.#queue = [];
    this.#host.later(() => this.#tell(lost, 'unknown'));
  }

  #tell(batches: readonly Batch[], outcome: Outcome): void {
    for (const { then } of batches) then(outcome);
    if (this.#queue.length > 0 || this.#proposed.length > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error(`the store of term ${this.term} is closed`);
  }
}
