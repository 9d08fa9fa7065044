import { limits } from '../protocol/limits.ts';
import type { EntryKind, Members, Monotonic, Position } from './model.ts';

/** What the core knows of one entry: all but its bytes, and the group that a change of it makes. */
export type Heading = Position & { readonly kind: EntryKind; readonly members?: Members };

/**
 * What heads tell each other. Each has the term of its sender. The core is safe against messages
 * that are lost, late, doubled or out of order; who a sender is, the link has made sure of.
 */
export type Message = Ask | Voted | Append | Appended | Campaign;

/**
 * Asks for a vote in `term`. `pre`: would it be given, if it were asked for? Nothing is promised
 * then, and `term` is one that the sender does not have yet. `handed`: the leader of the term
 * before has handed over to the sender, and given up its lease.
 */
export type Ask = {
  readonly kind: 'ask';
  readonly term: number;
  readonly pre: boolean;
  readonly last: Position;
  readonly handed: boolean;
};

/**
 * Answers an ask; of one that was granted before its time, `term` is the one that was asked for.
 * `waitMs`: how long a former leader may still trust the lease that this voter had a part in.
 */
export type Voted = {
  readonly kind: 'voted';
  readonly term: number;
  readonly pre: boolean;
  readonly granted: boolean;
  readonly waitMs: number;
};

/**
 * The leader's entries from `prev.index + 1` up to `upTo`, which travel beside this message; none
 * if both are one: a beat. They may be sent as several such messages in a row, where one would be
 * too large, each with the position before its own first entry as `prev`.
 */
export type Append = {
  readonly kind: 'append';
  readonly term: number;
  readonly prev: Position;
  readonly upTo: number;
  readonly committed: number;
  /** Which of the leader's beats this is, or comes after. */
  readonly round: number;
};

/** Answers an append, once what it says is durable. */
export type Appended = {
  readonly kind: 'appended';
  readonly term: number;
  /** Up to here the sender's log is durable and the leader's. */
  readonly matched: number;
  /** The latest round that the sender has heard of. */
  readonly round: number;
  /** The index before the entries that did not fit, and the last place where they might. */
  readonly refused?: { readonly prev: number; readonly hint: Position };
};

/** The leader hands over to the receiver, which is to stand for election at once. */
export type Campaign = { readonly kind: 'campaign'; readonly term: number };

/** How the core bounds itself: times in ms, the others in numbers of what they name. */
export type Settings = {
  readonly beatMs: number;
  /** A follower that hears nothing for a time between these two stands for election. */
  readonly electionMsMin: number;
  readonly electionMsMax: number;
  /**
   * How long a leader trusts a beat that most have answered, from when it sent it. Less than
   * `electionMsMin`, by what two clocks may drift apart within it; 0 for no lease at all.
   */
  readonly leaseMs: number;
  /** Appends to one peer that may be unanswered, and entries in one of them. */
  readonly inFlightMax: number;
  readonly appendEntriesMax: number;
  /** A learner may become a voter once it is no more entries than this behind. */
  readonly promoteLagMax: number;
};

/** A number from 0 up to, but not including, 1. */
export type Dice = () => number;

/** A moment that never comes. */
export const never: Monotonic = Number.POSITIVE_INFINITY;

/** The settings of a head, unless a test wants others. */
export const usual: Settings = {
  beatMs: limits.raftBeatMs,
  electionMsMin: limits.raftElectionMsMin,
  electionMsMax: limits.raftElectionMsMax,
  leaseMs: limits.raftLeaseMs,
  inFlightMax: limits.raftInFlightMax,
  appendEntriesMax: limits.raftAppendEntriesMax,
  promoteLagMax: limits.raftPromoteLagMax,
};
