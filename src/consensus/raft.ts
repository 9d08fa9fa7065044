/**
 * Raft, as values: what a head is, what happens to it, and what is to be done. No clock, no disk,
 * no wire, and of the log only its terms; the caller has those, and the bytes.
 */
import type { Effect, Event, RoleName } from './events.ts';
import type { Dice, Settings } from './messages.ts';
import type { Kept, Members, Monotonic } from './model.ts';
import type { Raft } from './state.ts';

/**
 * A head as it starts, with what was found on its disk. To be told of time at once: one that is
 * alone stands for election then.
 */
export function begin(kept: Kept, self: string, settings: Settings, now: Monotonic): Raft {
  throw new Error(`${kept.last} ${self} ${settings.beatMs} ${now}`);
}

/**
 * What an event makes of a head, and what is to be done about it. Throws `Malformed` for a message
 * that no head would send, and a plain error where two heads broke Raft: such a head must end.
 */
export function step(
  raft: Raft,
  event: Event,
  now: Monotonic,
  dice: Dice,
): readonly [Raft, readonly Effect[]] {
  throw new Error(`${raft.self} ${event.kind} ${now} ${dice()}`);
}

/** When the next tick is due, or never. */
export function dueAt(raft: Raft): Monotonic {
  return raft.deadline;
}

/** The group that counts now, whether or not it is committed. */
export function membersOf(raft: Raft): Members {
  return raft.log.groups.at(-1)!;
}

/** What others may be told of a head. */
export type View = {
  readonly role: RoleName;
  readonly leader: string;
  readonly term: number;
  readonly ready: boolean;
  readonly last: number;
  readonly committed: number;
  readonly members: Members;
  /** Of a leader only: how far each other head is, and when it was last heard. */
  readonly peers: readonly {
    readonly name: string;
    readonly matched: number;
    readonly copying: boolean;
    readonly heardAt: Monotonic;
  }[];
};

/** What a head is now, for those who ask. */
export function view(raft: Raft): View {
  throw new Error(raft.self);
}
