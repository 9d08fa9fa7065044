import { limits } from '../../protocol/limits.ts';
import type { RecordKind } from '../../protocol/records.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { whole } from '../keeping.ts';
import type { User } from './user.ts';

const kind: RecordKind<User> = {
  kind: 'user',
  version: 1,
  fields: ['phase', 'round', 'id', 'name', 'role', 'tokenHash', 'expiresAt', 'keys', 'since'],
};

/** Index keys of all users, the revoked ones as well: those are refused for ever. */
const USERS = '/users';

export const keeping = whole<User>({
  scope: 'control',
  kind,
  index: ({ round }) => (round > 0 ? [USERS] : []),
  isErased: ({ round }) => round === 0,
});

/** What the registry says of a user; undefined: nothing. */
export const userOf = (store: Records, id: string): User | undefined =>
  load(store, keeping, `/users/${id}`)?.state;

/** All users of the registry. */
export function usersOf(store: Records): readonly User[] {
  const users: User[] = [];
  let after = '';
  do {
    const page = find(store, USERS, limits.pageMax, after);
    for (const path of page.paths) users.push(...[load(store, keeping, path)?.state ?? []].flat());
    after = page.next;
  } while (after !== '');
  return users;
}
