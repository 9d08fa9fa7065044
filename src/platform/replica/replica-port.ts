import type { Change as GroupChange, Refusal, RoleName } from '../../consensus/events.ts';
import type { Dice, Settings } from '../../consensus/messages.ts';
import type { Members, Monotonic } from '../../consensus/model.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { Change, Clock, Millis, Note, Records, Store } from '../../runtime/ports.ts';
import type { HeadMessage, Offer } from './messages.ts';
import type { ReplicaDisk, Snapshot } from './ports.ts';

/**
 * What a head is. `ready`: it leads, and all that was decided before is applied here, so that the
 * control tree may be opened on the store of this term.
 */
export type RoleNews = {
  readonly role: RoleName;
  readonly leader: string;
  readonly term: number;
  readonly ready: boolean;
};

export type ReplicaOptions = {
  readonly disk: ReplicaDisk;
  readonly self: string;
  readonly clock: Clock;
  /** Milliseconds that pass alike whatever is done to the wall clock. */
  readonly monotonic: () => Monotonic;
  readonly dice: Dice;
  readonly note: Note;
  /** Sends to another head; false if there is no link, or no room in it. */
  readonly send: (to: string, message: HeadMessage) => boolean;
  /** Copies a snapshot that a head offers into a file here; what came already is not sent again. */
  readonly fetchSnapshot: (from: string, offer: Offer) => Promise<Snapshot>;
  readonly onRole: (news: RoleNews) => void;
  /** Told of changes once reads see them, in their order, before who proposed them is told. */
  readonly onApplied: (changes: readonly Change[], at: Millis) => void;
  /** The records were replaced by a snapshot: all may be different. */
  readonly onReplaced?: () => void;
  /** Told once if this head cannot go on; the node has to end. */
  readonly onBroken?: (reason: Failure) => void;
  /** Told how many batches of the leader's store were decided together. */
  readonly onGroup?: (batches: number) => void;
  /** Runs something once what runs now is through. */
  readonly later?: (then: () => void) => void;
  readonly settings?: Settings;
};

/** `done`, or why it was not taken, or nobody knows: then it may still happen. */
export type ChangeOutcome = 'done' | 'unknown' | Refusal;

export type ReplicaStatus = RoleNews & {
  readonly lastIndex: number;
  readonly committed: number;
  readonly applied: number;
  readonly members: Members;
  /** Of a leader: how far each other head has the log, and how many entries it lacks. */
  readonly peers: readonly {
    readonly name: string;
    readonly matched: number;
    readonly lag: number;
    readonly copying: boolean;
    readonly heardMsAgo: Millis;
  }[];
  readonly lastSnapshotAt: Millis;
};

/** One head's part in the group: it agrees with the others on a log, and applies it. */
export interface Replica extends Records {
  /** The store of a leadership of this head; of one that is over, all commits end unknown. */
  leaderStore(term: number): Store;
  /** Log time: it never goes back, whoever leads. */
  now(): Millis;
  /** A message came over the link from another head. */
  receive(from: string, message: HeadMessage): void;
  linked(peer: string): void;
  unlinked(peer: string): void;
  /** Tells once reads here see all that was decided when it was asked; false: ask the leader. */
  read(then: (ok: boolean) => void): void;
  change(change: GroupChange, then: (outcome: ChangeOutcome) => void): void;
  /** Lets another voter lead. `done`: this head leads no more. */
  transfer(to: string, then: (outcome: ChangeOutcome) => void): void;
  status(): ReplicaStatus;
  /** Makes a copy of all records, as of now; it stays until a newer one. Throws `Failed`. */
  backup(): Promise<Snapshot>;
  /** The snapshot that was made last. */
  snapshot(): Snapshot | undefined;
  /** Ends its part; what the leader's store has taken ends first. The disk is closed with it. */
  close(): Promise<void>;
}
