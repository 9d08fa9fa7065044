import { agreed, beat } from './leading.ts';
import type { Leader, Raft, Read } from './state.ts';
import { put, type Turn } from './turn.ts';

/**
 * A read sees all that was committed when it was asked: at once under a lease, else as soon as most
 * have answered a beat that was sent after it; and never before the own term has committed.
 */
export function read(turn: Turn, id: number): void {
  const { role, committed } = turn.raft;
  if (role.is !== 'leader') {
    const leader = role.is === 'follower' ? role.leader : '';
    turn.effects.push({ kind: 'unreadable', id, leader });
    return;
  }
  if (committed < role.start) return wait(turn, role, [{ id, index: -1, round: 0 }]);
  ask(turn, role, [id]);
}

/** Reads that came before the first commit of the term see it. */
export function readAfterStart(turn: Turn): void {
  const { role, committed } = turn.raft;
  if (role.is !== 'leader' || committed < role.start) return;
  const early = role.reads.filter((one) => one.index < 0);
  if (early.length === 0) return;
  const reads = role.reads.filter((one) => one.index >= 0);
  ask(
    turn,
    { ...role, reads },
    early.map(({ id }) => id),
  );
}

function ask(turn: Turn, leader: Leader, ids: readonly number[]): void {
  const { raft, now } = turn;
  const { committed: index } = raft;
  if (isLeased(raft, leader, now)) {
    put(turn, { role: leader });
    for (const id of ids) turn.effects.push({ kind: 'readable', id, index });
    return;
  }
  wait(
    turn,
    leader,
    ids.map((id) => ({ id, index, round: leader.round + 1 })),
  );
  if (!leader.reads.some((one) => one.round === leader.round)) beat(turn);
  confirm(turn);
}

const wait = (turn: Turn, leader: Leader, more: readonly Read[]): void =>
  put(turn, { role: { ...leader, reads: [...leader.reads, ...more] } });

/** The latest round that most have answered; this head answers its own at once. */
const answeredRound = (raft: Raft, leader: Leader): number =>
  agreed(raft, leader.round, (peer) => peer.round);

/**
 * Whether nobody else can lead. It counts from when the answered round was sent, not from its
 * answers: a voter promises nothing from then on, only from when it heard.
 */
function isLeased(raft: Raft, leader: Leader, now: number): boolean {
  const answered = answeredRound(raft, leader);
  const sent = leader.rounds.findLast(({ round }) => round <= answered);
  return leader.leases && sent !== undefined && now < sent.at + raft.settings.leaseMs;
}

/** Answers the reads whose round most have answered, and sends the next round for the others. */
export function confirm(turn: Turn): void {
  const { role } = turn.raft;
  if (role.is !== 'leader') return;
  const answered = answeredRound(turn.raft, role);
  if (role.rounds[1] !== undefined && role.rounds[1].round <= answered) {
    const rounds = role.rounds.filter(({ round }) => round >= answered);
    put(turn, { role: { ...role, rounds } });
  }
  const done = role.reads.filter(({ index, round }) => index >= 0 && round <= answered);
  if (done.length === 0) return;
  for (const { id, index } of done) turn.effects.push({ kind: 'readable', id, index });
  const reads = role.reads.filter((one) => !done.includes(one));
  const { role: now } = turn.raft;
  if (now.is === 'leader') put(turn, { role: { ...now, reads } });
  if (reads.some(({ round }) => round > role.round)) beat(turn);
}
