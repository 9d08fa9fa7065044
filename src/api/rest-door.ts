import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UserIdentity } from '../platform/identity.ts';
import { pathOf, refuse, respond } from '../platform/refusal.ts';
import type { Rest, RestSetup } from './rest/rest.ts';

export type RestDoor = RestSetup & {
  /** What the registry says of a user. */
  isOperator(user: string): boolean;
};

/**
 * Makes the door for requests. What answers them is loaded with the first: a node that is spoken to
 * by terminals alone never needs it.
 */
export function restDoor(
  door: RestDoor,
): (request: IncomingMessage, response: ServerResponse, user: UserIdentity | undefined) => void {
  const { name } = door.node;
  let opening: Promise<Rest> | undefined;
  const opened = (): Promise<Rest> =>
    import('./rest/rest.ts').then(({ openRest }) => openRest(door));
  return (request, response, user) => {
    if (pathOf(request) === '/health') return respond(response, 200, { node: name, ok: true });
    if (user === undefined) return refuse(response, 401, { error: 'unauthorized' });
    opening ??= opened();
    const { id } = user;
    const who = { door: door.isOperator(id) ? 'operator' : 'terminal', id } as const;
    opening.then(
      (rest) => rest(request, response, who),
      (error: unknown) => {
        opening = undefined;
        door.node.platform.note('error', '/rest', `cannot be opened: ${String(error)}`);
        refuse(response, 500, { error: 'bug' });
      },
    );
  };
}
