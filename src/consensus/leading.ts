import { append, groupOf } from './log.ts';
import type { Heading } from './messages.ts';
import type { Members, Monotonic } from './model.ts';
import { beatFor, feeding, isBehind, newPeer, withPeer } from './peers.ts';
import type { Leader, Peer, Raft } from './state.ts';
import { put, send, type Turn } from './turn.ts';

/** The highest value that most voters have reached. `own` is this head's, if it is a voter. */
export function agreed(raft: Raft, own: number, value: (peer: Peer) => number): number {
  const { role, self, log } = raft;
  const peers = role.is === 'leader' ? role.peers : [];
  const { voters } = groupOf(log);
  const values = voters.map((name) => {
    const peer = peers.find((other) => other.name === name);
    if (name === self) return own;
    return peer === undefined ? 0 : value(peer);
  });
  return values.sort((a, b) => b - a)[Math.floor(voters.length / 2)]!;
}

/** Leads from here on, and says so to all with an entry that commits what was before it. */
export function lead(turn: Turn, quietUntil: Monotonic): void {
  const { raft, now } = turn;
  const { voters, learners } = groupOf(raft.log);
  const others = [...voters, ...learners].filter((name) => name !== raft.self);
  const leader: Leader = {
    is: 'leader',
    start: raft.log.last + 1,
    quietUntil: quietUntil > now ? quietUntil : 0,
    peers: others.map((name) => newPeer(name, raft.log.last, now)),
    round: 1,
    beatAt: now + raft.settings.beatMs,
    rounds: [{ round: 1, at: now }],
    reads: [],
    leases: true,
  };
  put(turn, { role: leader });
  extend(turn, leader, 'start');
}

/** Appends one entry to the leader's log, and sends it on while it is being written. */
export function extend(turn: Turn, leader: Leader, kind: Heading['kind'], members?: Members): void {
  const { log, hard } = turn.raft;
  const place = { index: log.last + 1, term: hard.term, kind };
  const entry: Heading = members === undefined ? place : { ...place, members };
  turn.appended = [...turn.appended, entry];
  put(turn, { role: leader, log: append(log, [entry]) });
  for (const peer of leader.peers) feed(turn, peer.name);
}

/** Sends a peer what it can take, or asks for a snapshot if it is behind all that is kept. */
export function feed(turn: Turn, name: string): void {
  const { raft, now } = turn;
  const { role } = raft;
  if (role.is !== 'leader') return;
  const peer = role.peers.find((other) => other.name === name);
  if (peer === undefined) return;
  const [fed, appends] = feeding(peer, raft, role.round);
  for (const message of appends) send(turn, name, message);
  const asks = fed.state === 'copying' && (peer.state !== 'copying' || now >= peer.againAt);
  if (asks) turn.effects.push({ kind: 'snapshot', to: name });
  const againAt = asks ? now + raft.settings.electionMsMax : fed.againAt;
  if (fed !== peer || asks) put(turn, { role: withPeer(role, { ...fed, againAt }) });
}

/** Tells all others that it leads, and learns from their answers whether it still does. */
export function beat(turn: Turn): void {
  const { raft, now } = turn;
  const { role } = raft;
  if (role.is !== 'leader') return;
  const round = role.round + 1;
  for (const peer of role.peers) send(turn, peer.name, beatFor(peer, raft, round));
  const rounds = [...role.rounds, { round, at: now }];
  put(turn, { role: { ...role, round, rounds, beatAt: now + raft.settings.beatMs } });
  for (const peer of role.peers) {
    if (peer.state === 'copying' || isBehind(peer, raft.log)) feed(turn, peer.name);
  }
}
