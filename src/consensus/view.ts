import type { RoleName } from './events.ts';
import { groupOf, termAt } from './log.ts';
import { never } from './messages.ts';
import type { Members, Monotonic, Position } from './model.ts';
import type { Peer, Raft } from './state.ts';
import { mayStand } from './turn.ts';

/** What a head is, and whom it takes for the leader, or ''. */
export type Standing = {
  readonly role: RoleName;
  readonly leader: string;
  readonly term: number;
  /** Of a leader: an entry of its term is committed. */
  readonly ready: boolean;
};

/** What others may be told of a head; `peers` of a leader only. */
export type View = Standing & {
  readonly last: number;
  readonly committed: number;
  readonly members: Members;
  readonly peers: readonly Pick<Peer, 'name' | 'state' | 'matched' | 'heardAt'>[];
};

/** What a head is in its group. */
export function standing(raft: Raft): Standing {
  const { role, self, committed, hard } = raft;
  const { term } = hard;
  if (role.is === 'leader') {
    return { role: 'leader', leader: self, term, ready: committed >= role.start };
  }
  const leader = role.is === 'follower' ? role.leader : '';
  if (role.is !== 'follower') return { role: 'candidate', leader, term, ready: false };
  return { role: mayStand(raft) ? 'follower' : 'learner', leader, term, ready: false };
}

/** All that a head knows of itself and its group, for those who ask. */
export function view(raft: Raft): View {
  const { role, log, committed } = raft;
  const peers = role.is === 'leader' ? role.peers : [];
  return {
    ...standing(raft),
    last: log.last,
    committed,
    members: membersOf(raft),
    peers: peers.map(({ name, state, matched, heardAt }) => ({ name, state, matched, heardAt })),
  };
}

/** The group that counts now, whether or not it is committed. */
export function membersOf({ log }: Raft): Members {
  const { voters, learners } = groupOf(log);
  return { voters, learners };
}

/** When the next tick is due, or never. */
export function dueAt(raft: Raft): Monotonic {
  const { role, deadline } = raft;
  if (role.is !== 'leader') return mayStand(raft) ? deadline : never;
  const beatAt = role.peers.length > 0 ? role.beatAt : never;
  const quietUntil = role.quietUntil === 0 ? never : role.quietUntil;
  return Math.min(beatAt, quietUntil, role.transfer?.until ?? never);
}

/**
 * Whether a snapshot as of this position is of use. Not if the log has that entry: then what comes
 * after it may be counted on by others, and would be lost. To be asked before a snapshot is
 * fetched, and again before it is installed.
 */
export const wants = ({ role, committed, log }: Raft, { index, term }: Position): boolean =>
  role.is !== 'leader' && index > committed && termAt(log, index) !== term;
