import { Malformed } from '../protocol/errors.ts';
import { commit } from './committing.ts';
import { append, cut, lastFit, termAt } from './log.ts';
import type { Append, Heading } from './messages.ts';
import type { Raft } from './state.ts';
import {
  follow,
  isHardDurable,
  nextDeadline,
  put,
  send,
  sendOnceDurable,
  type Turn,
} from './turn.ts';

/** The leader was heard, with entries or without. */
export function heardAppend(
  turn: Turn,
  from: string,
  message: Append,
  entries: readonly Heading[],
): void {
  const { hard } = turn.raft;
  checkRow(message, entries);
  if (message.term < hard.term) {
    const { term } = hard;
    return send(turn, from, { kind: 'appended', term, matched: 0, round: 0 });
  }
  takeLeader(turn, from, message.term);
  const { role, log, settings } = turn.raft;
  if (role.is !== 'follower') return;
  const promisedUntil = turn.now + settings.electionMsMin;
  const round = Math.max(role.round, message.round);
  put(turn, { promisedUntil, deadline: nextDeadline(turn), role: { ...role, round } });
  const { prev } = message;
  if (prev.index > log.base.index && termAt(log, prev.index) !== prev.term) {
    const refused = { prev: prev.index, hint: lastFit(log, prev) };
    const { term } = turn.raft.hard;
    const matched = matchedBy(turn.raft);
    return sendOnceDurable(turn, from, { kind: 'appended', term, matched, round, refused });
  }
  take(turn, entries);
  verify(turn, message);
}

/** Entries come in a row, and their terms never go back. */
function checkRow({ term, prev, upTo }: Append, entries: readonly Heading[]): void {
  let before = prev;
  for (const entry of entries) {
    const fits = entry.index === before.index + 1 && entry.term >= before.term;
    if (!fits) throw new Malformed('$.entries', 'entries in a row');
    before = entry;
  }
  if (before.index !== upTo) throw new Malformed('$.upTo', 'the index of the last entry');
  if (before.term > term) throw new Malformed('$.term', 'no entry of a later term');
}

function takeLeader(turn: Turn, from: string, term: number): void {
  const { role, hard } = turn.raft;
  if (term > hard.term || (role.is !== 'follower' && role.is !== 'leader')) {
    return follow(turn, term, from);
  }
  if (role.is === 'follower' && role.leader === '') {
    return put(turn, { role: { ...role, leader: from } });
  }
  if (role.is === 'leader' || role.leader !== from) {
    throw new Error(`two leaders in term ${term}: ${from} and ${turn.raft.self}`);
  }
}

/** Appends what is new. What contradicts the leader is cut, unless it is decided. */
function take(turn: Turn, entries: readonly Heading[]): void {
  const { log, committed, durable, pending } = turn.raft;
  const at = entries.findIndex(
    ({ index, term }) => index > log.base.index && termAt(log, index) !== term,
  );
  if (at < 0) return;
  const fresh = entries.slice(at);
  const from = fresh[0]!.index;
  if (from <= committed) throw new Error(`entry ${from} is decided, and comes with another term`);
  turn.appended = fresh;
  if (from > log.last) return put(turn, { log: append(log, fresh) });
  const until = <T extends { readonly last: number }>(mark: T): T => ({
    ...mark,
    last: Math.min(mark.last, from - 1),
  });
  put(turn, {
    log: append(cut(log, from), fresh),
    durable: until(durable),
    pending: pending.map(until),
  });
}

function verify(turn: Turn, { upTo, prev, committed }: Append): void {
  const { role } = turn.raft;
  if (role.is !== 'follower') return;
  const verified = Math.max(role.verified, upTo);
  put(turn, { role: { ...role, verified } });
  commit(turn, Math.min(committed, upTo));
  const isBeat = upTo === prev.index;
  if (isBeat || turn.raft.durable.last >= upTo) answer(turn);
  else owe(turn, true);
}

/** What this head holds for good, and agrees on with the leader: all that is decided, at least. */
function matchedBy({ role, committed, durable }: Raft): number {
  const verified = role.is === 'follower' ? role.verified : 0;
  return Math.min(durable.last, Math.max(verified, committed));
}

/** Answers the leader, or owes it the answer until the own term is durable. */
function answer(turn: Turn): void {
  const { raft } = turn;
  const { role, hard, durable } = raft;
  if (role.is !== 'follower' || role.leader === '') return;
  if (!isHardDurable(raft)) return owe(turn, true);
  const matched = matchedBy(raft);
  const { round } = role;
  send(turn, role.leader, { kind: 'appended', term: hard.term, matched, round });
  owe(turn, durable.last < role.verified);
}

function owe(turn: Turn, owes: boolean): void {
  const { role } = turn.raft;
  if (role.is === 'follower' && role.owes !== owes) put(turn, { role: { ...role, owes } });
}

/** A write is durable: what was owed may be answered now. */
export function answerOwed(turn: Turn): void {
  const { role } = turn.raft;
  if (role.is === 'follower' && role.owes) answer(turn);
}
