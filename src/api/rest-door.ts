import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UserIdentity } from '../platform/identity.ts';
import { submitterAt } from '../platform/out-rules.ts';
import { pathOf, refuse, respond } from '../platform/refusal.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Rest, RestSetup } from './rest/rest.ts';

export type RestDoor = RestSetup & {
  /** What the registry says of a user. */
  isOperator(user: string): boolean;
};

/** Paths that anybody may ask for: they say whether it makes sense to ask for more. */
export const openPaths = ['/health', '/ready'] as const;

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
  const ready = readiness(door);
  return (request, response, user) => {
    const path = pathOf(request);
    if (path === '/health') return respond(response, 200, { node: name, ok: true });
    if (path === '/ready') return ready(response);
    if (user === undefined) return refuse(response, 401, { error: 'unauthorized' });
    opening ??= opened();
    const { id } = user;
    const from = submitterAt(request.socket.remoteAddress ?? '', name);
    const who = { door: door.isOperator(id) ? 'operator' : 'terminal', id, from } as const;
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

/**
 * Whether requests can be answered now: somebody leads, and what is read here is current. However
 * many ask, it is found out once at a time.
 */
function readiness({ node, logs }: RestDoor): (response: ServerResponse) => void {
  let looking: Promise<string> | undefined;
  const look = async (): Promise<string> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = node.platform.clock.timer(limits.readyMsMax, () =>
      reject(new Failed('timeout', 'what is decided cannot be read now')),
    );
    try {
      if (node.platform.leader() === undefined) return 'nobody leads';
      await Promise.race([logs.current(), promise]);
      return '';
    } catch (error) {
      return error instanceof Failed ? error.message : 'it cannot be found out';
    } finally {
      cancel();
      looking = undefined;
    }
  };
  return (response) => {
    looking ??= look();
    void looking.then((why) => {
      const answer = { node: node.name, ready: why === '' };
      respond(response, why === '' ? 200 : 503, why === '' ? answer : { ...answer, why });
    });
  };
}
