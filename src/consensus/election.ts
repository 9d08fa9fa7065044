import { agreed, lead } from './leading.ts';
import { lastOf, upToDate } from './log.ts';
import type { Ask, Voted } from './messages.ts';
import type { Raft } from './state.ts';
import {
  follow,
  following,
  isHardDurable,
  isQuorum,
  mayStand,
  nextDeadline,
  put,
  rivals,
  send,
  sendOnceDurable,
  type Turn,
} from './turn.ts';

/** Asks the others whether they would elect it; the term stays as it is. */
export function sound(turn: Turn): void {
  put(turn, { role: { is: 'sounding', granted: [turn.raft.self] }, deadline: nextDeadline(turn) });
  if (isQuorum(turn.raft, [turn.raft.self])) return stand(turn, false);
  for (const to of rivals(turn.raft)) send(turn, to, asking(turn.raft));
}

/**
 * Stands for election in a new term. Nobody is asked before that is durable: a head that forgot
 * it could lead the same term twice. `handed`: by the leader before, who trusts no lease any more.
 */
export function stand(turn: Turn, handed: boolean): void {
  const { self, hard, promisedUntil } = turn.raft;
  put(turn, {
    hard: { term: hard.term + 1, vote: self },
    held: [],
    deadline: nextDeadline(turn),
    role: { is: 'candidate', granted: [], handed, quietUntil: handed ? turn.now : promisedUntil },
  });
  for (const to of rivals(turn.raft)) sendOnceDurable(turn, to, asking(turn.raft));
}

/** The question that a head puts to the others, again if need be. */
export function asking({ role, hard, log }: Raft): Ask {
  const pre = role.is === 'sounding';
  const handed = role.is === 'candidate' && role.handed;
  return { kind: 'ask', term: hard.term + (pre ? 1 : 0), pre, last: lastOf(log), handed };
}

/** The own vote counts once it is durable. */
export function countOwnVote(turn: Turn): void {
  const { role, self } = turn.raft;
  if (role.is !== 'candidate' || !isHardDurable(turn.raft)) return;
  put(turn, { role: { ...role, granted: [...role.granted, self] } });
  leadIfElected(turn);
}

/** A head was asked for its vote. Who has heard of a live leader of late does not listen. */
export function heardAsk(turn: Turn, from: string, ask: Ask): void {
  const { hard } = turn.raft;
  if (isContent(turn) && !ask.handed) {
    if (ask.pre) send(turn, from, answer(turn, ask, false));
    return;
  }
  if (ask.pre) {
    const granted = ask.term > hard.term && upToDate(turn.raft.log, ask.last);
    if (granted) yieldTo(turn, from);
    return send(turn, from, answer(turn, ask, granted));
  }
  if (ask.term > hard.term) follow(turn, ask.term, '');
  const { term, vote } = turn.raft.hard;
  const free = vote === '' || vote === from;
  const granted = ask.term === term && free && upToDate(turn.raft.log, ask.last);
  if (granted) put(turn, { hard: { term, vote: from }, deadline: nextDeadline(turn) });
  sendOnceDurable(turn, from, answer(turn, ask, granted));
}

/**
 * Of two that sound at once, as when the link between them is made, one lets the other stand: else
 * each would be told that it may, vote for itself, and wait for the next time-out.
 */
function yieldTo(turn: Turn, rival: string): void {
  const { role, self } = turn.raft;
  if (role.is !== 'sounding' || self < rival) return;
  put(turn, { role: following(''), deadline: nextDeadline(turn) });
}

function answer({ raft, now }: Turn, ask: Ask, granted: boolean): Voted {
  const waitMs = ask.handed ? 0 : Math.max(0, raft.promisedUntil - now);
  const term = ask.pre && granted ? ask.term : raft.hard.term;
  return { kind: 'voted', term, pre: ask.pre, granted, waitMs };
}

/** Whether there is a leader, as far as this head can know. */
function isContent({ raft, now }: Turn): boolean {
  const { role, promisedUntil, settings } = raft;
  if (role.is === 'follower') return role.leader !== '' && now < promisedUntil;
  if (role.is !== 'leader') return false;
  const heardAt = agreed(raft, now, (peer) => peer.heardAt);
  return now < heardAt + settings.electionMsMin;
}

/** A vote was given or refused. */
export function heardVoted(turn: Turn, from: string, voted: Voted): void {
  const { role, hard } = turn.raft;
  if (voted.term > hard.term + (voted.pre && voted.granted ? 1 : 0)) {
    return follow(turn, voted.term, '');
  }
  if (!voted.granted) return;
  if (voted.pre) {
    if (role.is !== 'sounding' || voted.term !== hard.term + 1) return;
    const granted = [...role.granted, from];
    put(turn, { role: { ...role, granted } });
    if (isQuorum(turn.raft, granted)) stand(turn, false);
    return;
  }
  if (role.is !== 'candidate' || voted.term !== hard.term) return;
  const quietUntil = Math.max(role.quietUntil, turn.now + voted.waitMs);
  put(turn, { role: { ...role, granted: [...role.granted, from], quietUntil } });
  leadIfElected(turn);
}

function leadIfElected(turn: Turn): void {
  const { role } = turn.raft;
  if (role.is === 'candidate' && isQuorum(turn.raft, role.granted)) lead(turn, role.quietUntil);
}

/**
 * The link to a peer fell. If it was the leader, the voters stand one after the other, so that
 * they do not take each other's votes; a leader that lives after all keeps its other followers.
 */
export function lostLeader(turn: Turn, peer: string): void {
  const { role, self, settings } = turn.raft;
  if (role.is !== 'follower' || role.leader !== peer || !mayStand(turn.raft)) return;
  put(turn, { role: { ...role, leader: '' } });
  const heirs = [self, ...rivals(turn.raft)].filter((name) => name !== peer).sort();
  const turnMs = (heirs.indexOf(self) * settings.beatMs) / 2;
  if (turnMs === 0) sound(turn);
  else put(turn, { deadline: Math.min(turn.raft.deadline, turn.now + turnMs) });
}
