import Type, { type Static, type TSchema } from 'typebox';
import { Invitation } from './head-shapes.ts';
import { limits } from './limits.ts';
import { count, name, sha256, text, uuid } from './model.ts';

const list = <T extends TSchema>(item: T, maxItems: number) => Type.Array(item, { maxItems });
const nothing = Type.Object({});
const instant = Type.Integer({ minimum: 0 });

const UserRole = Type.Enum(['user', 'operator']);
export type UserRole = Static<typeof UserRole>;
const UserPhase = Type.Enum(['expected', 'active', 'revoked']);
export type UserPhase = Static<typeof UserPhase>;

const UserRow = Type.Object({
  id: uuid,
  name: text(64),
  role: UserRole,
  phase: UserPhase,
  /** 0: its certificate lies in the spools of the heads, and nobody noted since when. */
  since: instant,
});
export type UserRow = Static<typeof UserRow>;

/** A change that somebody made or wanted to make, as the head has noted it that was asked. */
const AuditRow = Type.Object({
  at: instant,
  who: text(limits.auditCharsMax),
  door: text(limits.auditCharsMax),
  from: text(limits.auditCharsMax),
  what: text(limits.auditCharsMax),
  of: text(limits.auditCharsMax),
  /** `done`, or the code of the failure. */
  result: text(limits.auditCharsMax),
});
export type AuditRow = Static<typeof AuditRow>;

/** What is said of users and of what they did; merged into the shapes of all messages. */
export const userShapes = {
  'user.list': { body: nothing, reply: Type.Object({ users: list(UserRow, 100_000) }) },
  'user.add': {
    body: Type.Object({ name, operator: Type.Optional(Type.Boolean()) }),
    reply: Invitation,
  },
  'user.revoke': {
    /** Its name or its id. */
    body: Type.Object({ user: text(64) }),
    reply: Type.Object({ id: uuid, name: text(64) }),
  },
  'user.renew': {
    body: Type.Object({ csr: text(limits.requestCharsMax) }),
    reply: Type.Object({ certificate: text(10_000), chain: text(100_000) }),
  },
  'audit.list': {
    body: Type.Object({
      since: Type.Optional(instant),
      user: Type.Optional(text(64)),
      limit: Type.Optional(count(limits.pageMax)),
    }),
    /** The newest last; other heads have noted what they were asked. */
    reply: Type.Object({ head: name, rows: list(AuditRow, limits.pageMax) }),
  },

  'user.expect': {
    body: Type.Object({
      user: uuid,
      name: text(64),
      role: UserRole,
      /** SHA-256 of the token. */
      tokenHash: sha256,
      expiresAt: instant,
    }),
    reply: nothing,
  },
  'user.enrol': {
    body: Type.Object({ user: uuid, tokenHash: sha256, publicKey: text(4096) }),
    reply: Type.Object({ name: text(64), role: UserRole }),
  },
  'user.rekey': {
    body: Type.Object({ user: uuid, publicKey: text(4096) }),
    reply: Type.Object({ name: text(64) }),
  },
  'user.drop': {
    body: Type.Object({ user: uuid, name: text(64), role: UserRole }),
    reply: Type.Object({ id: uuid, name: text(64) }),
  },
} as const;
