import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { UserPhase, UserRole } from '../../protocol/user-shapes.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** What the registry knows of a user: whether it may speak, as what, and by which keys. */
export type User = {
  readonly phase: UserPhase;
  readonly round: number;
  readonly id: string;
  readonly name: string;
  readonly role: UserRole;
  /** SHA-256 of the token that it was invited with; the token itself is never kept. */
  readonly tokenHash: string;
  readonly expiresAt: Millis;
  /** SHA-256 of the public keys that speak for it, the newest first. */
  readonly keys: readonly string[];
  readonly since: Millis;
};

export type UserHears = 'user.expect' | 'user.enrol' | 'user.rekey' | 'user.drop';
type UserEffect = Effect<never, Record<never, never>>;
type UserStep = Step<User, never, Record<never, never>>;
export type UserArgs = Body<'user.expect'> | Body<'user.drop'>;

/**
 * A user's place in the registry. Whoever is revoked may be invited again, under the same id and
 * with another key: a lost key costs no jobs.
 */
export const user: Behaviour<UserArgs, User, UserHears, never, Record<never, never>> = {
  init: ({ user: id, name, role }, now) => ({
    phase: 'revoked',
    round: 0,
    id,
    name,
    role,
    tokenHash: '',
    expiresAt: 0,
    keys: [],
    since: now,
  }),
  enter: () => [],
  on: (state, event, now) => (event.is === 'told' ? told(state, event, now) : [state, []]),
};

function told(state: User, { message: m, ask, who }: Told<UserHears>, now: Millis): UserStep {
  switch (m.name) {
    case 'user.expect':
      return expected(state, m.body as Body<'user.expect'>, ask, now);
    case 'user.enrol':
      return enrolled(state, m.body as Body<'user.enrol'>, ask, now);
    case 'user.rekey':
      return rekeyed(state, m.body as Body<'user.rekey'>, ask);
    case 'user.drop':
      return dropped(state, who, ask, now);
  }
}

const reply = (ask: number, body: object): UserEffect => ({ do: 'reply', ask, body });
const refuse = (state: User, ask: number, why: Failure): UserStep => [
  state,
  [{ do: 'refuse', ask, failure: why }],
];

function expected(
  state: User,
  { name, role, tokenHash, expiresAt }: Body<'user.expect'>,
  ask: number,
  now: Millis,
): UserStep {
  if (state.phase === 'active')
    return refuse(state, ask, failure('wrong_phase', `user ${name} is there already`));
  if (state.phase === 'expected' && state.tokenHash === tokenHash) return [state, [reply(ask, {})]];
  const round = state.round + 1;
  const next: User = {
    ...state,
    phase: 'expected',
    ...{ round, name, role, tokenHash, expiresAt },
    keys: [],
    since: now,
  };
  return [next, [reply(ask, {})]];
}

/** Spends a token on a key: the same request again gets the same answer, another none. */
function enrolled(
  state: User,
  { tokenHash, publicKey }: Body<'user.enrol'>,
  ask: number,
  now: Millis,
): UserStep {
  const { name, role, phase } = state;
  const no = (text: string): UserStep =>
    refuse(state, ask, failure('unauthorized', `${name}: ${text}`));
  if (phase === 'revoked') return no('this user was revoked');
  if (state.tokenHash !== tokenHash) return no('wrong token');
  if (now > state.expiresAt) return no('the token has expired');
  if (phase === 'expected')
    return [
      { ...state, phase: 'active', keys: [publicKey], since: now },
      [reply(ask, { name, role })],
    ];
  return state.keys.includes(publicKey)
    ? [state, [reply(ask, { name, role })]]
    : no('the token was spent on another key');
}

/** The key before it still counts: whoever does not hear our answer has that one alone. */
function rekeyed(state: User, { publicKey }: Body<'user.rekey'>, ask: number): UserStep {
  const { name, phase, keys } = state;
  if (phase !== 'active')
    return refuse(state, ask, failure('unauthorized', `user ${name} is not enrolled`));
  const others = keys.filter((key) => key !== publicKey);
  const next = [publicKey, ...others].slice(0, limits.userKeysMax);
  return [keys[0] === publicKey ? state : { ...state, keys: next }, [reply(ask, { name })]];
}

function dropped(state: User, { door, id: by }: Who, ask: number, now: Millis): UserStep {
  const { id, name, phase } = state;
  if (door !== 'operator')
    return refuse(state, ask, failure('forbidden', 'only an operator can revoke a user'));
  if (by === id)
    return refuse(state, ask, failure('refused', 'nobody can revoke themselves: ask another one'));
  const done = reply(ask, { id, name });
  // One that is not in the registry yet begins as revoked, which has to be kept.
  if (phase === 'revoked' && state.round > 0) return [state, [done]];
  const round = state.round + 1;
  return [{ ...state, phase: 'revoked', round, tokenHash: '', keys: [], since: now }, [done]];
}
