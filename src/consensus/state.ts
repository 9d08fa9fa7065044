import type { Effect } from './events.ts';
import type { Settings } from './messages.ts';
import type { HardState, Members, Monotonic, Position, TermRun } from './model.ts';

/** A group, and the index of the entry that made it. */
export type Group = Members & { readonly index: number };

/** What the core knows of the log: nothing that grows with it. */
export type Log = {
  readonly base: Position;
  readonly terms: readonly TermRun[];
  readonly last: number;
  /** The group as of what is committed, and each later change; the last one counts. */
  readonly groups: readonly Group[];
};

/** What one write makes durable: hard state, and up to where it agrees with the log of today. */
export type Mark = { readonly write: number; readonly hard: HardState; readonly last: number };

/** A head's view of Raft. A value: `step` makes the next one. */
export type Raft = {
  readonly self: string;
  readonly settings: Settings;
  readonly hard: HardState;
  readonly log: Log;
  readonly committed: number;
  /** The last write that is durable, and those under way. */
  readonly durable: Mark;
  readonly pending: readonly Mark[];
  /** Messages of this term that wait until its hard state is durable. */
  readonly held: readonly (Effect & { readonly kind: 'send' })[];
  /** Until then a leader may trust the lease that this head had a part in. */
  readonly promisedUntil: Monotonic;
  /** When a head that hears nothing until then stands for election. */
  readonly deadline: Monotonic;
  readonly role: Role;
};

export type Role = Follower | Sounding | Candidate | Leader;

/** Learners and heads outside of the group are followers, too: they only do not stand. */
export type Follower = {
  readonly is: 'follower';
  /** Whom it heard of in this term, or ''. */
  readonly leader: string;
  /** Up to here the log is the leader's. */
  readonly verified: number;
  readonly round: number;
  /** An answer is due as soon as it may be given. */
  readonly owes: boolean;
};

/** Asks whether it would be elected, before it takes a term for it. */
export type Sounding = { readonly is: 'sounding'; readonly granted: readonly string[] };

export type Candidate = {
  readonly is: 'candidate';
  readonly granted: readonly string[];
  readonly handed: boolean;
  readonly quietUntil: Monotonic;
};

export type Leader = {
  readonly is: 'leader';
  /** Index of its first entry, of kind `start`. */
  readonly start: number;
  /** Until then a former leader may trust its lease: nothing is committed before. 0 once past. */
  readonly quietUntil: Monotonic;
  readonly peers: readonly Peer[];
  readonly round: number;
  readonly beatAt: Monotonic;
  /** When each round was sent, from the latest that most have answered on. */
  readonly rounds: readonly { readonly round: number; readonly at: Monotonic }[];
  readonly reads: readonly Read[];
  /** False once it has begun to hand over, until its term ends: whoever it is may be elected. */
  readonly leases: boolean;
  readonly transfer?: { readonly to: string; readonly until: Monotonic };
};

/** A read that waits: for the round, and if `index` is -1 for the first commit of the term. */
export type Read = { readonly id: number; readonly index: number; readonly round: number };

/**
 * What a leader knows of another. `probing`: one append at a time, until one fits. `flowing`:
 * `next` moves ahead of the answers. `copying`: what it needs is no longer kept, but in a snapshot.
 */
export type Peer = {
  readonly name: string;
  readonly state: 'probing' | 'flowing' | 'copying';
  readonly matched: number;
  readonly next: number;
  /** The last index of each append that is not answered; when probing, at most one. */
  readonly flight: readonly number[];
  readonly heardAt: Monotonic;
  readonly round: number;
  /** When copying: when its snapshot is asked for again. */
  readonly againAt: Monotonic;
};
