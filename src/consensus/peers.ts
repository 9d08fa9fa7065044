import { lastFit, termAt } from './log.ts';
import type { Append, Appended } from './messages.ts';
import type { Monotonic, Position } from './model.ts';
import type { Leader, Log, Peer, Raft } from './state.ts';

/** A peer as a new leader takes it: it may have the whole log, or nothing. */
export const newPeer = (name: string, last: number, now: Monotonic): Peer => ({
  name,
  state: 'probing',
  matched: 0,
  next: last + 1,
  flight: [],
  heardAt: now,
  round: 0,
  againAt: now,
});

/** Whatever was under way to a peer may be lost. */
export const doubted = (peer: Peer): Peer =>
  peer.state === 'copying' ? peer : { ...peer, state: 'probing', flight: [] };

/** What a peer's answer says about its log. An answer out of order never undoes a later one. */
export function answered(peer: Peer, log: Log, { matched, refused }: Appended): Peer {
  if (refused !== undefined) return refusing(peer, log, refused);
  const known = Math.max(peer.matched, matched);
  if (peer.state === 'copying' && known < log.base.index) return { ...peer, matched: known };
  const flight = peer.state === 'flowing' ? peer.flight.filter((upTo) => upTo > known) : [];
  const next = Math.max(peer.next, known + 1);
  return { ...peer, state: 'flowing', matched: known, next, flight };
}

function refusing(
  peer: Peer,
  log: Log,
  { prev, hint }: { readonly prev: number; readonly hint: Position },
): Peer {
  const stale = prev <= peer.matched || prev >= peer.next;
  const awaited = peer.state === 'flowing' || prev === peer.next - 1;
  if (stale || !awaited || peer.state === 'copying') return peer;
  const fit = hint.index < log.base.index ? hint : lastFit(log, hint);
  const next = Math.max(peer.matched, Math.min(fit.index, prev - 1)) + 1;
  return { ...peer, state: 'probing', next, flight: [] };
}

/** Appends that a peer can take now, and the peer once they are under way to it. */
export function feeding(
  peer: Peer,
  { log, hard, committed, settings }: Raft,
  round: number,
): readonly [Peer, readonly Append[]] {
  if (peer.state === 'copying' || isBehind(peer, log)) return [{ ...peer, state: 'copying' }, []];
  const appends: Append[] = [];
  const flight = [...peer.flight];
  const room = peer.state === 'flowing' ? settings.inFlightMax : 1;
  let { next } = peer;
  while (flight.length < room && next <= log.last) {
    const upTo = Math.min(log.last, next + settings.appendEntriesMax - 1);
    const prev = { index: next - 1, term: termAt(log, next - 1) };
    appends.push({ kind: 'append', term: hard.term, prev, upTo, committed, round });
    flight.push(upTo);
    next = upTo + 1;
  }
  if (appends.length === 0) return [peer, appends];
  return [{ ...peer, flight, next: peer.state === 'flowing' ? next : peer.next }, appends];
}

/** Whether what a peer needs next is no longer kept. */
export const isBehind = (peer: Peer, log: Log): boolean => peer.next <= log.base.index;

/**
 * An append without entries. It ends where the peer's log should, so that a loss comes to light; or
 * where this log begins, for a peer that needs a snapshot: once it has that much, it fits.
 */
export function beatFor(peer: Peer, { log, hard, committed }: Raft, round: number): Append {
  const index = peer.state === 'copying' ? log.base.index : Math.max(log.base.index, peer.next - 1);
  const prev = { index, term: termAt(log, index) };
  return { kind: 'append', term: hard.term, prev, upTo: index, committed, round };
}

/** The leader with one of its peers replaced. */
export const withPeer = (leader: Leader, peer: Peer): Leader => ({
  ...leader,
  peers: leader.peers.map((other) => (other.name === peer.name ? peer : other)),
});
