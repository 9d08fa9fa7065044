import type { Effect } from './events.ts';
import { groupOf } from './log.ts';
import type { Dice, Heading, Message } from './messages.ts';
import type { Monotonic } from './model.ts';
import type { Follower, Mark, Raft } from './state.ts';

/**
 * One step while it is taken. `raft` is replaced, never changed; what was told to others before is
 * in `effects`, and entries that join the log in `appended`: they are written with the hard state.
 */
export type Turn = {
  raft: Raft;
  readonly now: Monotonic;
  readonly dice: Dice;
  readonly effects: Effect[];
  appended: readonly Heading[];
};

/** Replaces some of what a head is. */
export function put(turn: Turn, some: Partial<Raft>): void {
  turn.raft = { ...turn.raft, ...some };
}

/** Sends a message now: one that promises nothing. */
export function send(turn: Turn, to: string, message: Message): void {
  turn.effects.push({ kind: 'send', to, message });
}

/** Sends a message as soon as term and vote are durable, if this term lasts until then. */
export function sendOnceDurable(turn: Turn, to: string, message: Message): void {
  if (isHardDurable(turn.raft)) send(turn, to, message);
  else put(turn, { held: [...turn.raft.held, { kind: 'send', to, message }] });
}

/** Whether the term and vote of now would be there after a crash. */
export const isHardDurable = ({ hard, durable }: Raft): boolean =>
  durable.hard.term === hard.term && durable.hard.vote === hard.vote;

/**
 * Whether a head may lead: also one that is being removed, until that is committed. It may be the
 * only one that holds the entry which removes it, and then nobody else can be elected.
 */
export const mayStand = ({ self, log }: Raft): boolean =>
  log.groups.some(({ voters }) => voters.includes(self));

/** The other voters of the group. */
export const rivals = ({ self, log }: Raft): readonly string[] =>
  groupOf(log).voters.filter((name) => name !== self);

/** Whether these heads are most of the voters. */
export function isQuorum(raft: Raft, names: readonly string[]): boolean {
  const { voters } = groupOf(raft.log);
  return voters.filter((name) => names.includes(name)).length > voters.length / 2;
}

/** The next moment to stand for election, if nothing is heard until then. */
export function nextDeadline({ raft, now, dice }: Turn): Monotonic {
  const { electionMsMin: min, electionMsMax: max } = raft.settings;
  return now + min + dice() * (max - min);
}

/** A write that is handed out now makes durable what the head has become in this turn. */
export function markWrite(raft: Raft): Mark {
  const before = raft.pending.at(-1) ?? raft.durable;
  return { write: before.write + 1, hard: raft.hard, last: raft.log.last };
}

/** A follower of this leader, or of nobody yet, of whose log it knows nothing. */
export const following = (leader: string): Follower => ({
  is: 'follower',
  leader,
  verified: 0,
  round: 0,
  owes: false,
});

/** Follows a leader of a term, or nobody in it; what it was before ends. */
export function follow(turn: Turn, term: number, leader: string): void {
  const { role, hard } = turn.raft;
  if (role.is === 'leader') {
    for (const { id } of role.reads) turn.effects.push({ kind: 'unreadable', id, leader });
  }
  put(turn, { role: following(leader), deadline: nextDeadline(turn) });
  if (term > hard.term) put(turn, { hard: { term, vote: '' }, held: [] });
}
