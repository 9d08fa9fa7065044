import type { Refusal } from './events.ts';
import { groupOf } from './log.ts';
import { put, send, type Turn } from './turn.ts';

/**
 * Begins to hand over to a voter: nothing is proposed from here on, and no lease is trusted for
 * the rest of the term, since whoever it is may stand at any time. Says why not, if it may not.
 */
export function transfer(turn: Turn, to: string): Refusal | undefined {
  const { raft, now } = turn;
  const { role, self, log, settings, committed } = raft;
  if (role.is !== 'leader') return 'not_leader';
  if (role.transfer !== undefined) return 'handing_over';
  if (committed < role.start) return 'not_ready';
  if (to === self || !groupOf(log).voters.includes(to)) return 'no_member';
  const until = now + settings.electionMsMax;
  put(turn, { role: { ...role, leases: false, transfer: { to, until } } });
  handOver(turn);
  return undefined;
}

/** Tells whom it hands over to once that one has all there is. */
export function handOver(turn: Turn): void {
  const { role, log, hard } = turn.raft;
  if (role.is !== 'leader' || role.transfer === undefined) return;
  const { to } = role.transfer;
  const heir = role.peers.find(({ name }) => name === to);
  if (heir?.matched === log.last) send(turn, to, { kind: 'campaign', term: hard.term });
}
