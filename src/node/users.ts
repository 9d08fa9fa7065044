import { createHash, createHmac, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { Feed } from '../actors/feed.ts';
import type { People } from '../actors/session/users.ts';
import { userOf, usersOf } from '../actors/user/keeping.ts';
import type { User } from '../actors/user/user.ts';
import type { Audit } from '../platform/audit.ts';
import { readRequest, signRequest, spanOfDays } from '../platform/certificates.ts';
import { derivedUuid } from '../platform/derived-uuid.ts';
import { identify, type UserIdentity } from '../platform/identity.ts';
import type { JoinAnswer, JoinRequest } from '../platform/join.ts';
import { keyPlaces, readPem } from '../platform/key-files.ts';
import type { Spool } from '../platform/spool.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { Invitation } from '../protocol/head-shapes.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message, type Reply } from '../protocol/messages.ts';
import type { UserRole, UserRow } from '../protocol/user-shapes.ts';
import type { Records } from '../runtime/ports.ts';
import type { HeadKeys } from './enrol.ts';
import { type GroupParts, tokenSecret, unlessReplaced } from './group.ts';

/** Who may speak here: those of the registry, and those whose certificates lie in the spool. */
export type Users = {
  /** Why a user may not speak here now, by that key; undefined: may. */
  readonly refusal: (user: UserIdentity, keyFingerprint: string) => string | undefined;
  readonly isOperator: (id: string) => boolean;
  readonly rows: () => readonly UserRow[];
  /** Looks into the spool again. */
  readonly look: () => Promise<void>;
};

const ADMIN = 'admin';

export async function openUsers(
  spool: Spool,
  store: Records,
  feed: Pick<Feed, 'users'>,
): Promise<Users> {
  let given = await certified(spool);
  // While other records take the place of all, what was known before has to do.
  const before = new Map(unlessReplaced(() => usersOf(store), []).map((user) => [user.id, user]));
  const known = (id: string): User | undefined => {
    const user = unlessReplaced(() => userOf(store, id), before.get(id));
    if (user !== undefined) before.set(id, user);
    return user;
  };
  feed.users((id) => void (id && known(id)));
  return {
    refusal({ id }, key) {
      const user = known(id);
      if (user === undefined) return given.has(id) ? undefined : 'this user is not registered here';
      if (user.phase === 'revoked') return 'this user was revoked';
      return user.keys.includes(key) ? undefined : 'this is no key of that user any more';
    },
    isOperator: (id) => (known(id)?.role ?? roleOf(given.get(id))) === 'operator',
    rows() {
      const all = usersOf(store);
      const others = [...given].filter(([id]) => all.every((user) => user.id !== id));
      const rows = [
        ...all.map(({ id, name, role, phase, since }) => ({ id, name, role, phase, since })),
        ...others.map(
          ([id, name]): UserRow => ({ id, name, role: roleOf(name), phase: 'active', since: 0 }),
        ),
      ];
      return rows.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    },
    look: async () => {
      given = await certified(spool);
    },
  };
}

const roleOf = (name: string | undefined): UserRole => (name === ADMIN ? 'operator' : 'user');

/** Those whose certificates lie in the spool, by their ids: the admin, and those of before. */
async function certified(spool: Spool): Promise<ReadonlyMap<string, string>> {
  const users = new Map<string, string>();
  for (const name of await readdir(spool.places.users)) {
    const pem = await readPem(keyPlaces(spool.path).user(name).certificate);
    const identity = pem === undefined ? undefined : identify(new X509Certificate(pem));
    if (identity?.kind === 'user') users.set(identity.id, name);
  }
  return users;
}

type Invited = Omit<GroupParts, 'self' | 'links'> & {
  readonly users: Users;
  /** Where terminals find this head. */
  readonly url: () => string;
};

/** Has the registry expect a user; as long as it does, asking again gives the same token. */
export async function inviteUser(
  { spool, keys, replica, clock, users, url, ask }: Invited,
  name: string,
  role: UserRole,
): Promise<Invitation> {
  const row = users.rows().find((user) => user.name === name);
  if (row?.phase === 'active')
    throw new Failed('wrong_phase', `user ${name} is there already: revoke them first`);
  const id = row?.id ?? derivedUuid(`${spool.installation}\nuser\n${name}`);
  const known = userOf(replica, id);
  const now = clock.now();
  const isOpen = known?.phase === 'expected' && known.expiresAt > now && known.role === role;
  const round = (known?.round ?? 0) + (isOpen ? 0 : 1);
  const token = createHmac('sha256', tokenSecret(keys))
    .update(`${spool.installation}\nuser\n${round}\n${id}\n${role}`)
    .digest('base64url');
  const expiresAt = now + limits.invitationMs;
  const body = { user: id, name, role, tokenHash: sha256(token), expiresAt };
  await ask(`/users/${id}`, message('user.expect', body));
  return { heads: [new URL(url()).host], caFingerprint: keys.caFingerprint, token, name };
}

export type Signing = {
  readonly keys: HeadKeys;
  readonly store: Records;
  readonly users: Users;
  readonly audit: Audit;
  readonly now: () => number;
  /** Resolves once the records hold all that was decided before. */
  readonly current: () => Promise<void>;
  readonly ask: (path: string, question: Message) => Promise<object>;
};

/** Signs the request of a user that the registry expects, once the token is spent on its key. */
export async function enrolUser(signing: Signing, request: JoinRequest): Promise<JoinAnswer> {
  const { audit, now, users, ask } = signing;
  const { name, address: from } = request;
  await signing.current();
  const id = users.rows().find((user) => user.name === name)?.id;
  if (id === undefined) throw new Failed('unauthorized', `no user ${name} is expected`);
  const { keyFingerprint: publicKey } = await readRequest(request.csr);
  const question = { user: id, tokenHash: sha256(request.token), publicKey };
  await ask(`/users/${id}`, message('user.enrol', question)).catch(unknown);
  const answer = await certify(signing, request.csr, id, name);
  // Strangers who are refused stand in the log: they shall not fill this.
  const done = { door: 'join', from, what: 'user.enrol', of: name, result: 'done' };
  audit.note({ at: now(), who: id, ...done });
  return answer;
}

/** One of the spool's, who is in no registry, has no token to spend: a stranger is told no more. */
function unknown(error: unknown): never {
  if (error instanceof Failed && error.failure.code === 'not_found')
    throw new Failed('unauthorized', 'no such user is expected');
  throw error;
}

/** To a task, bad input that it reads itself is a failure like others. */
function expectedly(error: unknown): never {
  if (error instanceof Malformed) throw new Failed('malformed', error.message);
  throw error;
}

/** Whether the registry has given out that token for that name. */
export const isInvited = (store: Records, { name, token }: JoinRequest): boolean =>
  usersOf(store).some((user) => user.name === name && user.tokenHash === sha256(token));

/** What sessions are lent for calls about users. */
export function peopleOf(signing: Signing, head: string): People {
  return {
    rows: signing.users.rows,
    async renew(user, csr) {
      const { keyFingerprint: publicKey } = await readRequest(csr).catch(expectedly);
      const row = signing.users.rows().find(({ id }) => id === user);
      if (row === undefined) throw new Failed('unauthorized', 'you are not registered here');
      // Whoever is in no registry is known by the spool's certificates, whatever the key.
      if (userOf(signing.store, user) !== undefined)
        await signing.ask(`/users/${user}`, message('user.rekey', { user, publicKey }));
      return certify(signing, csr, user, row.name);
    },
    async audit({ since = 0, user = '', limit = limits.pageMax }) {
      const id = signing.users.rows().find(({ name }) => name === user)?.id ?? user;
      const rows = await signing.audit.rows(
        ({ at, who }) => at >= since && (id === '' || who === id),
        limit,
      );
      return { head, rows };
    },
  };
}

async function certify(
  { keys }: Signing,
  csr: string,
  id: string,
  name: string,
): Promise<Reply<'user.renew'>> {
  const validity = spanOfDays(limits.enrolledDaysMax);
  const subject = { kind: 'user', id, name } as const;
  const certificate = await signRequest(keys.authority(), csr, subject, validity);
  return { certificate, chain: keys.chain };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
