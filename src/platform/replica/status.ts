import type { Settings } from '../../consensus/messages.ts';
import type { Monotonic } from '../../consensus/model.ts';
import type { Raft } from '../../consensus/state.ts';
import { membersOf, view } from '../../consensus/view.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { ReplicaStatus } from './replica-port.ts';

/** How the core is bounded, unless somebody says otherwise. */
export const raftSettings: Settings = {
  beatMs: limits.raftBeatMs,
  electionMsMin: limits.raftElectionMsMin,
  electionMsMax: limits.raftElectionMsMax,
  leaseMs: limits.raftLeaseMs,
  inFlightMax: limits.raftInFlightMax,
  appendEntriesMax: limits.raftAppendEntriesMax,
  promoteLagMax: limits.raftPromoteLagMax,
};

/** How a head is, for those who ask. */
export function statusOf(
  raft: Raft,
  applied: number,
  now: Monotonic,
  lastSnapshotAt: Millis,
): ReplicaStatus {
  const { role, leader, term, ready, last, committed, members, peers } = view(raft);
  return {
    ...{ role, leader, term, ready, committed, members, applied, lastSnapshotAt },
    lastIndex: last,
    peers: peers.map(({ name, state, matched, heardAt }) => ({
      ...{ name, matched, lag: last - matched, copying: state === 'copying' },
      heardMsAgo: Math.max(0, now - heardAt),
    })),
  };
}

/** Whether a head that answers is being sent a snapshot: `to`, or any. */
export function isCopying({ role, settings }: Raft, now: Monotonic, to?: string): boolean {
  const since = now - 10 * settings.electionMsMax;
  return (
    role.is === 'leader' &&
    role.peers.some(
      ({ name, state, heardAt }) =>
        state === 'copying' && heardAt > since && (to === undefined || to === name),
    )
  );
}

/** Whether the core would refuse proposals because it hands over. */
export const isHandingOver = ({ role }: Raft): boolean =>
  role.is === 'leader' && role.transfer !== undefined;

/** Whether the group has other heads, voters or learners: then all that is decided is logged. */
export function hasOthers(raft: Raft): boolean {
  const { voters, learners } = membersOf(raft);
  return voters.length + learners.length > 1;
}
