import type { Heading, Message } from './messages.ts';
import type { HardState, Kept } from './model.ts';

/** What happens to a head. */
export type Event =
  /** Time has passed; due at `dueAt(raft)` at the latest, and harmless at any other time. */
  | { readonly kind: 'tick' }
  /** A message came from another head. `entries` are those of an append, in order. */
  | {
      readonly kind: 'heard';
      readonly from: string;
      readonly message: Message;
      readonly entries?: readonly Heading[];
    }
  /** A batch is to be appended; the caller keeps its bytes. Answered by `persist` or `refused`. */
  | { readonly kind: 'propose' }
  /** The persist of this number, and so each before it, is durable. */
  | { readonly kind: 'stored'; readonly write: number }
  /** Entries up to here, all applied, have left the disk: they will not be asked for again. */
  | { readonly kind: 'compacted'; readonly upTo: number }
  /**
   * A snapshot has been put in the place of log and records. Just before it is begun, `wants` must
   * have said yes; from then until now, no append with entries is handed over. A `commit` that
   * comes meanwhile is not beyond the snapshot, and is done by it.
   */
  | { readonly kind: 'installed'; readonly kept: Kept }
  /** The link to a peer fell, or is up again. */
  | { readonly kind: 'lost'; readonly peer: string }
  | { readonly kind: 'found'; readonly peer: string }
  /** A linearizable read, numbered by the caller. Answered by `readable` or `unreadable`. */
  | { readonly kind: 'read'; readonly id: number }
  /** The leader is to hand over to a voter. */
  | { readonly kind: 'transfer'; readonly to: string }
  | { readonly kind: 'members'; readonly change: Change }
  /** The loop was late: silence heard meanwhile proves nothing. To be told before anything else. */
  | { readonly kind: 'late'; readonly ms: number };

/** One change of the group. A node is added as a learner, and promoted once it has caught up. */
export type Change = { readonly do: 'add' | 'promote' | 'remove'; readonly node: string };

/** What is to be done, in this order. None waits for another: what must comes after `stored`. */
export type Effect =
  | Persist
  /** The entries of an append are read by the caller: `prev.index + 1` up to `upTo`. */
  | { readonly kind: 'send'; readonly to: string; readonly message: Message }
  /**
   * Entries up to here may be applied. It may come before the own write of them is durable, since
   * enough others hold them: what is applied must not become durable before they do.
   */
  | { readonly kind: 'commit'; readonly index: number }
  /** `ready`: an entry of the own term is committed; what is applied up to it is all there is. */
  | {
      readonly kind: 'role';
      readonly role: RoleName;
      readonly leader: string;
      readonly term: number;
      readonly ready: boolean;
    }
  /** The peer needs a snapshot. Repeated while it does: an offer under way goes on. */
  | { readonly kind: 'snapshot'; readonly to: string }
  /** The read may be answered from what is applied, once that is at least `index`. */
  | { readonly kind: 'readable'; readonly id: number; readonly index: number }
  | { readonly kind: 'unreadable'; readonly id: number; readonly leader: string }
  /** A proposal, change or transfer was not taken. `leader` is whom to ask, or ''. */
  | { readonly kind: 'refused'; readonly why: Refusal; readonly leader: string };

/**
 * One write, made whole or not at all, in the order of its numbers. `hard` replaces what was. Of
 * `entries`, in a row, the first is put at its index and whatever was kept from there on is cut.
 * They are the values given with the append; of a leader, one: the batch that was proposed, a
 * start, or a change of the group. `alone`: the batch is committed once it is durable, and all
 * before it is, so that it may be applied in the same write; `commit` still follows.
 */
export type Persist = {
  readonly kind: 'persist';
  readonly write: number;
  readonly hard?: HardState;
  readonly entries: readonly Heading[];
  readonly alone: boolean;
};

/** What a head is. One that has been removed, or not yet been added, is a learner. */
export type RoleName = 'leader' | 'candidate' | 'follower' | 'learner';

/**
 * `not_leader`: `leader` may be. `handing_over`: a transfer is under way. `not_ready`: no entry of
 * the own term is committed yet. `changing`: the last change of the group is not. `behind`: the
 * learner is. `member`, `no_member`: the node is one already, or none. `last_voter`: it must stay.
 */
export type Refusal =
  | 'not_leader'
  | 'handing_over'
  | 'not_ready'
  | 'changing'
  | 'behind'
  | 'member'
  | 'no_member'
  | 'last_voter';
