import type { Change, Refusal } from './events.ts';
import { extend } from './leading.ts';
import { groupOf } from './log.ts';
import type { Members } from './model.ts';
import { newPeer } from './peers.ts';
import type { Leader, Raft } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * Changes the group by one node. The new one counts from the moment it is appended, and any
 * quorum of it meets any of the one before, as long as there is one change at a time, and none
 * before a leader has committed in its own term. Says why not, if it may not.
 */
export function changeMembers(turn: Turn, change: Change): Refusal | undefined {
  const { raft } = turn;
  const { role, log, committed } = raft;
  if (role.is !== 'leader') return 'not_leader';
  if (role.transfer !== undefined) return 'handing_over';
  if (committed < role.start) return 'not_ready';
  if (groupOf(log).index > committed) return 'changing';
  const refusal = why(raft, role, change);
  if (refusal !== undefined) return refusal;
  const members = changed(groupOf(log), change);
  const known = role.peers.some(({ name }) => name === change.node);
  const added = change.do === 'add' && !known;
  const peers = added ? [...role.peers, newPeer(change.node, log.last, turn.now)] : role.peers;
  extend(turn, { ...role, peers }, 'members', members);
  return undefined;
}

function why(raft: Raft, leader: Leader, { do: what, node }: Change): Refusal | undefined {
  const { voters, learners } = groupOf(raft.log);
  const votes = voters.includes(node);
  const learns = learners.includes(node);
  if (what === 'add') return votes || learns ? 'member' : undefined;
  if (!votes && !learns) return 'no_member';
  if (what === 'remove') return votes && voters.length === 1 ? 'last_voter' : undefined;
  if (votes) return 'member';
  const matched = leader.peers.find(({ name }) => name === node)?.matched ?? 0;
  const behind = raft.log.last - matched > raft.settings.promoteLagMax;
  return behind || matched === 0 ? 'behind' : undefined;
}

function changed({ voters, learners }: Members, { do: what, node }: Change): Members {
  const others = (names: readonly string[]) => names.filter((name) => name !== node);
  return {
    voters: what === 'promote' ? [...voters, node] : others(voters),
    learners: what === 'add' ? [...learners, node] : others(learners),
  };
}
