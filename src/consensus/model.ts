/** Milliseconds of a clock that never goes back and knows no date: Raft never looks at the wall. */
export type Monotonic = number;

/** A place in the log. Indexes count from 1; 0 of term 0 is before the first entry. */
export type Position = { readonly index: number; readonly term: number };

/**
 * `start`: a new leader's first entry, empty. `batch`: changes of records, made together.
 * `members`: who belongs to the group from this entry on, whether or not it is committed.
 */
export type EntryKind = 'start' | 'batch' | 'members';

/** One entry of the log. The core never looks into the bytes of a batch. */
export type Entry = Position & {
  readonly kind: EntryKind;
  /** Log time in ms since the epoch, given by the leader; it never goes back along the log. */
  readonly at: number;
  readonly bytes: Uint8Array;
};

/** What must be durable before anybody else may rely on it. */
export type HardState = {
  readonly term: number;
  /** For whom this head voted in this term, or '' for nobody yet. */
  readonly vote: string;
};

/** Who belongs to the group. A learner receives the log, and counts for no vote and no commit. */
export type Members = {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
};

/** A run of entries of one term, from `index` on: what the core knows of the log by heart. */
export type TermRun = Position;

/** What a head finds on its disk when it starts. */
export type Kept = {
  readonly hard: HardState;
  /** The last position before the first entry kept: what came up to here is in the records only. */
  readonly base: Position;
  /** Runs of the entries kept, in order; the first begins at `base.index + 1`. */
  readonly terms: readonly TermRun[];
  /** Index of the last entry kept, or `base.index` if there is none. */
  readonly last: number;
  /** Up to where the records have the log applied; between `base` and `last`. */
  readonly applied: Position & { readonly at: number };
  /** The group as of `applied`, and each later change of it in the log, in order. */
  readonly members: readonly (Members & { readonly index: number })[];
};
