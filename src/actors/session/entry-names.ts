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
  return withUsers(fields, (user) => {
    const known = rows.find((row) => row.id === user || row.name === user);
    if (known !== undefined) return known.id;
    throw new Failed('not_found', `${kind} ${name}: users: there is no user ${user}`);
  });
}

/** Fields as they are shown, of those that are kept. */
export const withNames = (names: ReadonlyMap<string, string>, fields: Fields): Fields =>
  withUsers(fields, (id) => names.get(id) ?? id);

/** A list of users, or what is said of each by their names. */
function withUsers(fields: Fields, told: (user: string) => string): Fields {
  const { users } = fields;
  if (typeof users !== 'object') return fields;
  const next: FieldValue = Array.isArray(users)
    ? users.map((user) => told(String(user)))
    : Object.fromEntries(Object.entries(users).map(([user, of]) => [told(user), of]));
  return { ...fields, users: next };
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
