import type { Entry, HardState, Kept, Members, Position } from '../../consensus/model.ts';
import type { Change, Outcome, Range } from '../../runtime/ports.ts';

/** An entry whose changes go into the records. */
export type Apply = Position & {
  readonly at: number;
  readonly changes: readonly Change[];
  /** The group that a `members` entry makes. */
  readonly members?: Members;
};

/**
 * One transaction: all of it becomes durable, or nothing. In this order: `hard` replaces what was;
 * of `entries`, which lie in a row, the first and whatever is kept from its index on is cut off,
 * then they are appended; `apply` goes into the records and moves *applied*; `base` moves up, and
 * entries up to there are forgotten. A group of one appends nothing: it applies and moves `base`.
 */
export type Write = {
  readonly hard?: HardState;
  readonly entries?: readonly Entry[];
  readonly apply?: readonly Apply[];
  readonly base?: Position;
};

/** A copy of the records as of one position, in a file of its own, to be sent to another head. */
export type Snapshot = Position & {
  readonly at: number;
  readonly members: Members;
  readonly bytes: number;
  readonly sha256: string;
  readonly path: string;
};

/** What a head keeps: log, hard state and records, in one environment. */
export interface ReplicaDisk {
  /** As it was found when it was opened. */
  readonly kept: Kept;
  get(key: string): Uint8Array | undefined;
  range(range: Range): readonly (readonly [key: string, value: Uint8Array])[];
  /** Entries in a row from `from` up to and with `to`: at least one, then up to `bytesMax`. */
  entries(from: number, to: number, bytesMax: number): readonly Entry[];
  /**
   * Takes a write; writes that come while one is on its way form the next transaction. `visible`
   * is called as soon as reads see it, `durable` once it is on the disk, both in the order of the
   * calls. After one `unknown` all further ones are.
   */
  write(write: Write, durable: (outcome: Outcome) => void, visible?: () => void): void;
  /** Makes a snapshot of what is applied; writes go on meanwhile. Throws `Failed`. */
  snapshot(): Promise<Snapshot>;
  /**
   * Puts a snapshot that came from another head in the place of records and log, keeping `hard`.
   * It is checked first; a crash at any step leaves the old or the new. Throws `Failed`.
   */
  install(snapshot: Snapshot): Promise<Kept>;
  close(): Promise<void>;
}
