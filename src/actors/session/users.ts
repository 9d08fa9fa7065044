import { Failed } from '../../protocol/errors.ts';
import { type Message, message, type Reply } from '../../protocol/messages.ts';
import type { UserRow } from '../../protocol/user-shapes.ts';
import type { Who } from '../../protocol/who.ts';

/** What is known of users, and of what they did here. */
export type People = {
  /** All of them, in the order of their names. */
  readonly rows: () => readonly UserRow[];
  /** Signs for the key of a request; the registry hears of it first. */
  readonly renew: (user: string, csr: string) => Promise<Reply<'user.renew'>>;
  readonly audit: (
    asked: Extract<Message, { readonly name: 'audit.list' }>['body'],
  ) => Promise<Reply<'audit.list'>>;
};

/** What a call about a user says to that user's actor; undefined: it is another call. */
export function userMessage({ rows }: People, by: Who, asked: Message): Message | undefined {
  if (asked.name !== 'user.revoke') return undefined;
  if (by.door !== 'operator') throw new Failed('forbidden', 'only an operator can revoke a user');
  const { user } = asked.body;
  const known = rows().find(({ id, name }) => id === user || name === user);
  if (known === undefined) throw new Failed('not_found', `there is no user ${user}`);
  const { id, name, role } = known;
  return message('user.drop', { user: id, name, role });
}

/** Answers what is asked about users; undefined: it is another call. */
export async function readPeople(
  people: People,
  user: Who,
  asked: Message,
): Promise<object | undefined> {
  switch (asked.name) {
    case 'user.list':
      return { users: [...people.rows()] } satisfies Reply<'user.list'>;
    case 'user.renew':
      return people.renew(user.id, asked.body.csr);
    case 'audit.list':
      return people.audit(asked.body);
    default:
      return undefined;
  }
}
