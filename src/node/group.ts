import { createHash, createHmac } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Group, Head } from '../actors/group/group.ts';
import { GROUP, keeping as groupKeeping } from '../actors/group/keeping.ts';
import type { GroupPorts } from '../actors/group/tasks.ts';
import { keeping as nodeKeeping } from '../actors/node/keeping.ts';
import { type NodeRecord, STANDING } from '../actors/node/node.ts';
import type { Change } from '../consensus/events.ts';
import { keyPlaces, readPem, writePem } from '../platform/key-files.ts';
import type { Links } from '../platform/links.ts';
import type { ChangeOutcome, Replica } from '../platform/replica/replica-port.ts';
import type { Spool } from '../platform/spool.ts';
import { Failed } from '../protocol/errors.ts';
import type { HeadRow, Invitation } from '../protocol/head-shapes.ts';
import { type Message, message, type Reply } from '../protocol/messages.ts';
import type { Node } from '../runtime/node.ts';
import type { Clock, Records } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';
import { ask } from './ask.ts';
import type { HeadKeys } from './enrol.ts';
import { readable } from './seat.ts';

export type GroupParts = {
  readonly self: string;
  readonly spool: Spool;
  readonly keys: HeadKeys;
  readonly replica: Replica;
  readonly links: Links;
  readonly clock: Clock;
  /** Puts a question to an actor of the leader. */
  readonly ask: (path: string, question: Message) => Promise<object>;
};

/** What is read, or another value while a snapshot takes the place of the records. */
export function unlessReplaced<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failed && error.failure.code === 'busy') return otherwise;
    throw error;
  }
}

/** The heads as their record has them here, in the order in which they were added. */
export const headsOf = (store: Records): readonly Head[] =>
  unlessReplaced(() => load<Group>(store, groupKeeping, GROUP)?.state.heads ?? [], []);

/** Whom a head dials: those that were there before it. The others dial it. */
export function dialledBy(self: string, heads: readonly Head[]): readonly string[] | undefined {
  const at = heads.findIndex(({ name }) => name === self);
  return at < 0 ? undefined : heads.slice(0, at).map(({ address }) => address);
}

/** Where the other heads are, but for those that have not joined yet. */
export const othersOf = (self: string, heads: readonly Head[]): readonly string[] =>
  heads
    .filter(({ name, phase }) => name !== self && phase !== 'expected')
    .map(({ address }) => address);

/** The heads as whoever lists them sees them. */
export function headRows({ replica }: Pick<GroupParts, 'replica'>): readonly HeadRow[] {
  const { leader, peers, role } = replica.status();
  return headsOf(replica).map(({ name, address, phase }) => {
    const lag = name === leader ? 0 : peers.find((peer) => peer.name === name)?.lag;
    const behind = role === 'leader' ? (lag ?? -1) : -1;
    return { name, address, phase, leads: name === leader, behind };
  });
}

const DAY_MS = 86_400_000;
const AGAIN_MS = 200;

/** What the actor that keeps the list of heads is lent. */
export function groupPorts(parts: GroupParts): Omit<GroupPorts, 'inviteUser'> {
  const { replica, links, self } = parts;
  return {
    invite: (name, role, round) => invite(parts, name, role, round),
    admit: async (name, signal) => {
      for (;;) {
        // One may come to lead before it is known here that it votes.
        const isHere = name === self || links.has(name);
        if (isHere && (await hasVote(replica, name))) return;
        await sleep(AGAIN_MS, undefined, { signal });
      }
    },
    dismiss: async (name, signal) => {
      while (!(await isOut(replica, name))) await sleep(AGAIN_MS, undefined, { signal });
      await parts.ask(`/nodes/${name}`, message('node.remove', { node: name }));
      links.close(name, 'it is no head any more');
    },
    voters: async () => replica.status().members.voters,
    transfer: async (to) => {
      const { members, peers } = replica.status();
      const others = members.voters.filter((name) => name !== self && links.has(name));
      const best = others.toSorted(
        (a, b) => matchedOf(peers, b) - matchedOf(peers, a) || a.localeCompare(b),
      )[0];
      const chosen = to === '' ? best : others.find((name) => name === to);
      if (chosen === undefined)
        throw new Failed(
          'refused',
          to === '' ? 'no other head is here to lead' : `${to} does not vote, or is not here`,
        );
      // The answer has to be on its way before this node stops leading.
      setTimeout(() => replica.transfer(chosen, () => {}), AGAIN_MS / 4);
      return chosen;
    },
    keys: () => keysFor(parts),
    decided: async () => {
      if (await readable(replica)) return replica.status().applied;
      throw new Failed('unreachable', `${self} does not lead`, true);
    },
  };
}

const matchedOf = (peers: readonly { name: string; matched: number }[], name: string): number =>
  peers.find((peer) => peer.name === name)?.matched ?? 0;

const changed = (replica: Replica, change: Change): Promise<ChangeOutcome> =>
  new Promise((resolve) => replica.change(change, resolve));

async function hasVote(replica: Replica, name: string): Promise<boolean> {
  const { voters, learners } = replica.status().members;
  if (voters.includes(name)) return true;
  await changed(replica, { do: learners.includes(name) ? 'promote' : 'add', node: name });
  return replica.status().members.voters.includes(name);
}

async function isOut(replica: Replica, name: string): Promise<boolean> {
  const { voters, learners } = replica.status().members;
  if (!voters.includes(name) && !learners.includes(name)) return true;
  await changed(replica, { do: 'remove', node: name });
  return false;
}

/** The registry expects the node by the hash of its token; the same round gives the same token. */
async function invite(
  { spool, keys, replica, clock, ask }: GroupParts,
  name: string,
  role: 'head' | 'worker',
  round: number,
): Promise<Invitation> {
  const known = load(replica, nodeKeeping, `/nodes/${name}`)?.state;
  if (known !== undefined && known.phase !== 'gone' && known.phase !== 'expected')
    throw new Failed(
      'refused',
      `node ${name} is there already: give it up first, or take a new name`,
    );
  const secret = tokenSecret(keys);
  const mark = role === 'head' ? round : markOf(known, clock.now());
  const token = createHmac('sha256', secret)
    .update(`${spool.installation}\n${role}\n${mark}\n${name}`)
    .digest('base64url');
  await ask(
    `/nodes/${name}`,
    message('node.expect', {
      node: name,
      cluster: STANDING,
      role,
      tokenHash: sha256(token),
      expiresAt: clock.now() + DAY_MS,
    }),
  );
  // Also those that have not joined yet: one of them may lead by the time that this one is let in.
  const heads = headsOf(replica)
    .filter((head) => head.phase !== 'leaving' && head.name !== name)
    .map(({ address }) => address);
  return { heads, caFingerprint: keys.caFingerprint, token, name };
}

/** The same for as long as the node is expected: who asks twice gets one token. */
const markOf = (known: NodeRecord | undefined, now: number): string => {
  const rounds = known === undefined ? 0 : known.round - (known.phase === 'expected' ? 1 : 0);
  return `${Math.floor(now / DAY_MS)} ${rounds}`;
};

/** What tokens are made with: known to every head, and to nobody else. */
export const tokenSecret = (keys: HeadKeys): Buffer =>
  createHash('sha256').update(`join tokens\n${keys.authority().key}`).digest();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Keeps what the leader gives a head that joined; resolves with whether it has all it needs. */
export async function learnKeys(node: Node, spool: Spool, keys: HeadKeys): Promise<boolean> {
  try {
    const answer = await ask(node, GROUP, message('head.keys', {}));
    const { key, users } = answer as Reply<'head.keys'>;
    for (const { name, certificate } of users)
      await writePem(keyPlaces(spool.path).user(name).certificate, certificate);
    await keys.take(key);
    return true;
  } catch (error) {
    // Nobody leads, or whoever leads has not let this head in yet.
    if (error instanceof Failed) return false;
    throw error;
  }
}

/** What a head needs that may come to lead: the authority's key, and who the users are. */
async function keysFor({ spool, keys }: GroupParts): Promise<Reply<'head.keys'>> {
  const users = [];
  for (const name of await readdir(spool.places.users)) {
    const certificate = await readPem(keyPlaces(spool.path).user(name).certificate);
    if (certificate !== undefined) users.push({ name, certificate });
  }
  return { key: keys.authority().key, users };
}
