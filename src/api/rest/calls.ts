import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Name, type Reply } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import { bodyChecks } from '../../protocol/wire/body-checks.ts';
import type { Node } from '../../runtime/node.ts';
import { askSession, endSession } from '../ask-session.ts';

/** Puts a call of the table to the user's session. Throws `Failed`, or `Malformed` with a path. */
export type Call = <N extends Name>(user: Who, name: N, body: Body<N>) => Promise<Reply<N>>;

/**
 * All requests of a user share one session while any of them waits: so they go the same way as
 * those of a terminal that is connected, on whichever head.
 */
export function callsOf(node: Node): Call {
  const waiting = new Map<string, number>();
  const ended = (session: string): void => {
    const left = (waiting.get(session) ?? 1) - 1;
    if (left > 0) return void waiting.set(session, left);
    waiting.delete(session);
    endSession(node, session);
  };
  return (user, name, body) => {
    const session = `rest-${user.door}-${user.id}`;
    const before = waiting.get(session) ?? 0;
    if (before >= limits.restCallsMax)
      throw new Failed('busy', `${limits.restCallsMax} requests of yours are not answered yet`);
    const asked = message(name, bodyChecks.body(name, body) as typeof body);
    waiting.set(session, before + 1);
    return new Promise((resolve, reject) => {
      askSession(node, { user, session }, asked, (answer) => {
        // Its session is still at work on this very answer.
        setImmediate(ended, session);
        if (answer.ok) return resolve(answer.body as Reply<typeof name>);
        const { code, text, retry } = answer.failure;
        reject(new Failed(code, text, retry));
      });
    });
  };
}
