import type { EntryChange, Fields, FieldValue } from '../../protocol/entry-shapes.ts';
import { Failed } from '../../protocol/errors.ts';
import type { UserRow } from '../../protocol/user-shapes.ts';
import type { Records } from '../../runtime/ports.ts';
import { load } from '../../runtime/record.ts';
import { keeping } from '../node/keeping.ts';

/** Whom and what the fields of entries name: users by their ids, so that nobody takes a name. */

type Rows = readonly Pick<UserRow, 'id' | 'name'>[];

/** Fields as they are kept, of those that an operator has given. Throws `Failed` for a stranger. */
export function withIds(rows: Rows, { kind, name, fields }: EntryChange): Fields | null {
  if (fields === null) return null;
  return withUsers(fields, (user, field) => {
    const known = rows.find((row) => row.id === user || row.name === user);
    if (known !== undefined) return known.id;
    throw new Failed('not_found', `${kind} ${name}: ${field}: there is no user ${user}`);
  });
}

/** Fields as they are shown, of those that are kept. */
export const withNames = (names: ReadonlyMap<string, string>, fields: Fields): Fields =>
  withUsers(fields, (id) => names.get(id) ?? id);

/** Fields that name users: a list of them, or what is said of each. */
const OF_USERS = ['users', 'admins'];

function withUsers(fields: Fields, told: (user: string, field: string) => string): Fields {
  const changed = OF_USERS.flatMap((field): [string, FieldValue][] => {
    const users = fields[field];
    if (typeof users !== 'object') return [];
    const next = Array.isArray(users)
      ? users.map((user) => told(String(user), field))
      : Object.fromEntries(Object.entries(users).map(([user, of]) => [told(user, field), of]));
    return [[field, next]];
  });
  return changed.length === 0 ? fields : { ...fields, ...Object.fromEntries(changed) };
}

/** Throws `Failed` for a node that is named without a `*`, and that nobody knows. */
export function refuseUnknownNodes(
  store: Records,
  { kind, name }: EntryChange,
  { nodes }: Fields,
): void {
  if (!Array.isArray(nodes)) return;
  const isKnown = (node: string): boolean =>
    node.includes('*') ||
    (load(store, keeping, `/nodes/${node}`)?.state.phase ?? 'gone') !== 'gone';
  const odd = nodes.map(String).find((node) => !isKnown(node));
  if (odd !== undefined)
    throw new Failed('not_found', `${kind} ${name}: nodes: there is no node ${odd}`);
}
