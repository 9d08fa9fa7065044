import Type, { type Static, type TSchema } from 'typebox';
import { count, name, sha256, text } from './model.ts';

const list = <T extends TSchema>(item: T, maxItems: number) => Type.Array(item, { maxItems });
const nothing = Type.Object({});
const instant = Type.Integer({ minimum: 0 });
const index = count(2 ** 52);
const place = { index, term: index };
const position = Type.Object(place);
const bytes = Type.Refine(Type.Unsafe<Uint8Array>({}), (value) => value instanceof Uint8Array);

/** `expected` has not joined yet; `leaving` has to be taken out before it may be switched off. */
export const HeadPhase = Type.Enum(['expected', 'member', 'leaving']);
export type HeadPhase = Static<typeof HeadPhase>;

const HeadRow = Type.Object({
  name,
  /** `host:port` by which nodes reach it. */
  address: text(256),
  phase: HeadPhase,
  leads: Type.Boolean(),
  /** Entries of the log that it is known to have less than the leader; -1: nobody here knows. */
  behind: Type.Integer({ minimum: -1 }),
});
export type HeadRow = Static<typeof HeadRow>;

/** What a new node or user is given, as a file: where the heads are, whom to believe, a token. */
export const Invitation = Type.Object({
  heads: list(text(256), 100),
  caFingerprint: text(200),
  token: text(200),
  name,
});
export type Invitation = Static<typeof Invitation>;

/** What is said to heads as a group, and among them; merged into the shapes of all messages. */
export const headShapes = {
  'head.list': { body: nothing, reply: Type.Object({ heads: list(HeadRow, 100) }) },
  'head.add': { body: Type.Object({ name, address: text(256) }), reply: Invitation },
  'head.remove': { body: Type.Object({ name }), reply: nothing },
  'head.transfer': {
    /** '' lets the group choose. */
    body: Type.Object({ to: text(100) }),
    reply: Type.Object({ leader: text(100) }),
  },
  'head.backup': {
    body: nothing,
    /** A file of that sum, to be fetched as one of a job. */
    reply: Type.Object({ sha256, bytes: index, index, at: instant, installation: text(64) }),
  },
  'node.add': { body: Type.Object({ name }), reply: Invitation },
  'head.keys': {
    body: nothing,
    reply: Type.Object({
      /** PEM of the authority's key. */
      key: text(10_000),
      users: list(Type.Object({ name, certificate: text(10_000) }), 10_000),
    }),
  },
  'head.current': { body: nothing, reply: Type.Object({ index: count(2 ** 50) }) },
  'node.leader': {
    body: Type.Object({ leader: text(100), term: count(2 ** 40), heads: list(text(256), 100) }),
    reply: nothing,
  },

  'raft.ask': {
    body: Type.Object({ term: index, pre: Type.Boolean(), last: position, handed: Type.Boolean() }),
    reply: nothing,
  },
  'raft.voted': {
    body: Type.Object({
      term: index,
      pre: Type.Boolean(),
      granted: Type.Boolean(),
      waitMs: Type.Number({ minimum: 0, maximum: 60_000 }),
    }),
    reply: nothing,
  },
  'raft.append': {
    body: Type.Object({
      term: index,
      prev: position,
      upTo: index,
      committed: index,
      round: index,
      entries: list(bytes, 100_000),
    }),
    reply: nothing,
  },
  'raft.appended': {
    body: Type.Object({
      term: index,
      matched: index,
      round: index,
      refused: Type.Optional(Type.Object({ prev: index, hint: position })),
    }),
    reply: nothing,
  },
  'raft.campaign': { body: Type.Object({ term: index }), reply: nothing },
  'raft.offer': {
    body: Type.Object({
      leaderTerm: index,
      ...place,
      at: instant,
      members: Type.Object({ voters: list(name, 100), learners: list(name, 100) }),
      bytes: index,
      sha256,
    }),
    reply: nothing,
  },
} as const;
