import { agreed } from './leading.ts';
import { groupOf, settle, termAt } from './log.ts';
import { beatFor } from './peers.ts';
import { readAfterStart } from './reads.ts';
import type { Leader } from './state.ts';
import { follow, put, send, type Turn } from './turn.ts';

/**
 * Commits what most voters hold, this head's part only once it is durable. Entries of former terms
 * are never counted: one of this term takes them along. Waits for the lease of a former leader.
 */
export function advance(turn: Turn): void {
  const { raft, now } = turn;
  const { role, durable, hard, log } = raft;
  if (role.is !== 'leader' || now < role.quietUntil) return;
  const index = agreed(raft, durable.last, (peer) => peer.matched);
  if (index <= raft.committed || termAt(log, index) !== hard.term) return;
  const changed = groupOf(log).index > raft.committed && groupOf(log).index <= index;
  commit(turn, index);
  if (changed) dismiss(turn, role);
  readAfterStart(turn);
}

/** Entries up to `index` are decided. */
export function commit(turn: Turn, index: number): void {
  if (index <= turn.raft.committed) return;
  put(turn, { committed: index, log: settle(turn.raft.log, index) });
  turn.effects.push({ kind: 'commit', index });
}

/**
 * The last change of the group is committed. Who left is told, so that it knows; a leader that
 * left itself hands over to whoever is furthest.
 */
function dismiss(turn: Turn, leader: Leader): void {
  const { raft } = turn;
  const { voters, learners } = groupOf(raft.log);
  const stays = (name: string) => voters.includes(name) || learners.includes(name);
  const leaves = !voters.includes(raft.self);
  for (const peer of leader.peers) {
    if (leaves || !stays(peer.name)) send(turn, peer.name, beatFor(peer, raft, leader.round));
  }
  put(turn, { role: { ...leader, peers: leader.peers.filter(({ name }) => stays(name)) } });
  if (!leaves) return;
  const heirs = leader.peers.filter(({ name }) => voters.includes(name));
  const heir = heirs.reduce((best, peer) => (peer.matched > best.matched ? peer : best));
  send(turn, heir.name, { kind: 'campaign', term: raft.hard.term });
  follow(turn, raft.hard.term, '');
}
