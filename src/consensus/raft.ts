/**
 * Raft, as values: what a head is, what happens to it, and what is to be done. No clock, no disk,
 * no wire, and of the log only its terms; the caller has those, and the bytes.
 */

import { Malformed } from '../protocol/errors.ts';
import { advance } from './committing.ts';
import {
  asking,
  countOwnVote,
  heardAsk,
  heardVoted,
  lostLeader,
  sound,
  stand,
} from './election.ts';
import type { Effect, Event, Persist, Refusal } from './events.ts';
import { answerOwed, heardAppend } from './following.ts';
import { handOver, transfer } from './handing.ts';
import { agreed, beat, extend, feed } from './leading.ts';
import { compact, groupOf, logOf } from './log.ts';
import { changeMembers } from './membership.ts';
import type { Appended, Dice, Settings } from './messages.ts';
import type { Kept, Monotonic } from './model.ts';
import { answered, doubted, withPeer } from './peers.ts';
import { confirm, read } from './reads.ts';
import type { Raft } from './state.ts';
import {
  follow,
  following,
  isHardDurable,
  markWrite,
  mayStand,
  nextDeadline,
  put,
  rivals,
  send,
  type Turn,
} from './turn.ts';
import { standing, wants } from './view.ts';

/**
 * A head as it starts, with what was found on its disk. To be told of time at once: one that is
 * alone stands for election then. Others wait, since they may have promised it to a leader before
 * the crash, and not all for as long, since they may have started together.
 */
export function begin(kept: Kept, self: string, settings: Settings, now: Monotonic): Raft {
  const log = logOf(kept);
  const [group, ...later] = kept.members;
  const alone = later.length === 0 && group?.voters.length === 1 && group.voters[0] === self;
  const { electionMsMin: min, electionMsMax: max } = settings;
  const soonest = alone ? now : now + min;
  const voters = [...groupOf(log).voters].sort();
  const turnMs = ((max - min) * Math.max(0, voters.indexOf(self))) / Math.max(1, voters.length);
  return {
    self,
    settings,
    hard: kept.hard,
    log,
    committed: kept.applied.index,
    durable: { write: 0, hard: kept.hard, last: kept.last },
    pending: [],
    held: [],
    promisedUntil: soonest,
    deadline: soonest + turnMs,
    role: following(''),
  };
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
  const turn: Turn = { raft, now, dice, effects: [], appended: [] };
  take(turn, event);
  const writes = turn.appended.length > 0 || turn.raft.hard !== raft.hard;
  const effects = writes ? [persist(turn, raft), ...turn.effects] : turn.effects;
  return [turn.raft, withRole(effects, raft, turn.raft)];
}

function take(turn: Turn, event: Event): void {
  switch (event.kind) {
    case 'tick':
      return tick(turn);
    case 'heard':
      return heard(turn, event);
    case 'propose':
      return propose(turn);
    case 'stored':
      return stored(turn, event.write);
    case 'compacted':
      return compacted(turn, event.upTo);
    case 'installed':
      return installed(turn, event.kept);
    case 'lost':
      return lost(turn, event.peer);
    case 'found':
      return found(turn, event.peer);
    case 'read':
      return read(turn, event.id);
    case 'transfer':
      return refuse(turn, transfer(turn, event.to));
    case 'members':
      return refuse(turn, changeMembers(turn, event.change));
    case 'late':
      return late(turn);
  }
}

function persist(turn: Turn, before: Raft): Persist {
  const { raft, appended: entries } = turn;
  const mark = markWrite(raft);
  put(turn, { pending: [...raft.pending, mark] });
  const hard = raft.hard === before.hard ? {} : { hard: raft.hard };
  const alone = entries[0]?.kind === 'batch' && isAlone(raft);
  return { kind: 'persist', write: mark.write, ...hard, entries, alone };
}

/** Whether nobody else is needed, or was needed for anything before, to commit an entry. */
function isAlone({ role, log, committed, self }: Raft): boolean {
  const { voters, learners, index } = groupOf(log);
  const single = voters.length === 1 && voters[0] === self && learners.length === 0;
  return role.is === 'leader' && single && committed >= Math.max(index, role.start);
}

function withRole(effects: readonly Effect[], before: Raft, after: Raft): readonly Effect[] {
  const was = standing(before);
  const is = standing(after);
  const same =
    was.role === is.role &&
    was.leader === is.leader &&
    was.term === is.term &&
    was.ready === is.ready;
  if (same) return effects;
  return [...effects, { kind: 'role', ...is }];
}

function tick(turn: Turn): void {
  const { raft, now } = turn;
  const { role, settings } = raft;
  if (role.is !== 'leader') {
    if (mayStand(raft) && now >= raft.deadline) sound(turn);
    return;
  }
  const heardAt = agreed(raft, now, (peer) => peer.heardAt);
  if (now >= heardAt + settings.electionMsMax) return follow(turn, raft.hard.term, '');
  const { transfer: handing, ...others } = role;
  const rest = handing !== undefined && now >= handing.until ? others : role;
  const quietUntil = now >= role.quietUntil ? 0 : role.quietUntil;
  put(turn, { role: { ...rest, quietUntil } });
  if (role.peers.length > 0 && now >= role.beatAt) beat(turn);
  advance(turn);
}

function heard(turn: Turn, { from, message, entries = [] }: Event & { kind: 'heard' }): void {
  const { raft } = turn;
  switch (message.kind) {
    case 'ask':
      return heardAsk(turn, from, message);
    case 'voted':
      return rivals(raft).includes(from) ? heardVoted(turn, from, message) : undefined;
    case 'append':
      return heardAppend(turn, from, message, entries);
    case 'appended':
      return heardAppended(turn, from, message);
    case 'campaign': {
      const { role, hard } = raft;
      const meant = role.is === 'follower' && role.leader === from && message.term === hard.term;
      if (meant && mayStand(raft)) stand(turn, true);
    }
  }
}

function heardAppended(turn: Turn, from: string, message: Appended): void {
  const { raft, now } = turn;
  const { role, hard, log } = raft;
  const peer = role.is === 'leader' ? role.peers.find(({ name }) => name === from) : undefined;
  if (role.is !== 'leader' || peer === undefined || message.term < hard.term) return;
  if (message.term > hard.term) return follow(turn, message.term, '');
  if (message.matched > log.last) throw new Malformed('$.matched', 'an index of the log');
  if (message.round > role.round) throw new Malformed('$.round', 'a round that was sent');
  const round = Math.max(peer.round, message.round);
  const known = { ...answered(peer, log, message), heardAt: now, round };
  put(turn, { role: withPeer(role, known) });
  feed(turn, from);
  confirm(turn);
  if (known.matched > peer.matched) advance(turn);
  handOver(turn);
}

function propose(turn: Turn): void {
  const { role } = turn.raft;
  if (role.is !== 'leader') return refuse(turn, 'not_leader');
  if (role.transfer !== undefined) return refuse(turn, 'handing_over');
  extend(turn, role, 'batch');
}

function refuse(turn: Turn, why: Refusal | undefined): void {
  if (why === undefined) return;
  turn.effects.push({ kind: 'refused', why, leader: standing(turn.raft).leader });
}

/** What waited for the disk goes on: the own vote, answers, and the own part in a commit. */
function stored(turn: Turn, write: number): void {
  const { pending, held } = turn.raft;
  const mark = pending.findLast((one) => one.write <= write);
  if (mark === undefined) return;
  const knew = isHardDurable(turn.raft);
  put(turn, { durable: mark, pending: pending.filter((one) => one.write > write) });
  if (!knew && isHardDurable(turn.raft)) {
    put(turn, { held: [] });
    turn.effects.push(...held);
    countOwnVote(turn);
  }
  answerOwed(turn);
  advance(turn);
}

function compacted(turn: Turn, upTo: number): void {
  const { log, committed } = turn.raft;
  if (upTo > committed) throw new Error(`entry ${upTo} is not decided, and is kept no more`);
  put(turn, { log: compact(log, upTo) });
}

function installed(turn: Turn, kept: Kept): void {
  const { role, durable, pending } = turn.raft;
  const { index } = kept.applied;
  if (!wants(turn.raft, kept.applied)) {
    throw new Error(`a snapshot as of entry ${index} that was not wanted`);
  }
  const { last } = kept;
  put(turn, {
    log: logOf(kept),
    committed: index,
    durable: { ...durable, last },
    pending: pending.map((mark) => ({ ...mark, last })),
  });
  if (role.is !== 'follower') return;
  put(turn, { role: { ...role, verified: Math.min(role.verified, last) } });
}

function lost(turn: Turn, name: string): void {
  const { role } = turn.raft;
  if (role.is !== 'leader') return lostLeader(turn, name);
  const peer = role.peers.find((other) => other.name === name);
  if (peer !== undefined) put(turn, { role: withPeer(role, doubted(peer)) });
}

/** What was sent to a peer before may never have come there. */
function found(turn: Turn, name: string): void {
  const { raft, now } = turn;
  const { role } = raft;
  if (role.is === 'leader') {
    const peer = role.peers.find((other) => other.name === name);
    if (peer === undefined) return;
    put(turn, { role: withPeer(role, { ...doubted(peer), againAt: now }) });
    return beat(turn);
  }
  const asks = role.is === 'sounding' || (role.is === 'candidate' && isHardDurable(raft));
  if (asks && rivals(raft).includes(name)) send(turn, name, asking(raft));
}

/** Nobody could be heard meanwhile, so nobody is taken to be silent. */
function late(turn: Turn): void {
  const { role } = turn.raft;
  if (role.is !== 'leader') {
    if (rivals(turn.raft).length > 0) put(turn, { deadline: nextDeadline(turn) });
    return;
  }
  const peers = role.peers.map((peer) => ({ ...peer, heardAt: turn.now }));
  put(turn, { role: { ...role, peers } });
}
