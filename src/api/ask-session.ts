import { failure } from '../protocol/errors.ts';
import { type Message, welcome } from '../protocol/messages.ts';
import type { Who } from '../protocol/who.ts';
import type { Answer } from '../runtime/asks.ts';
import type { Node } from '../runtime/node.ts';
import type { Audited } from './audited.ts';

/** Where sessions live; nobody is let in while it does not. */
const SESSIONS = '/sessions';

/** Whose words are brought: a user, from where, and by which session, unique on this node. */
export type Speaker = { readonly user: Who; readonly from: string; readonly session: string };

/**
 * Puts what a user says to the user's session, which is opened if it does not live: one that
 * crashed over one call is there for the next. Without `told` no answer is wanted. Returns the
 * number of the question, 0 if it is answered already.
 */
export function askSession(
  node: Node,
  speaker: Speaker,
  message: Message,
  told: ((answer: Answer) => void) | undefined,
  audited?: Audited,
): number {
  const { user, from, session } = speaker;
  const noted = audited?.(speaker, message);
  const then =
    noted === undefined
      ? told
      : (answer: Answer): void => {
          noted(answer);
          told?.(answer);
        };
  const refuse = (...why: Parameters<typeof failure>): 0 => {
    then?.({ ok: false, failure: failure(...why) });
    return 0;
  };
  const { name } = message;
  if (!welcome(name, user.door)) return refuse('forbidden', `${name} is not for a ${user.door}`);
  const sessions = node.routes.find(SESSIONS);
  if (sessions === undefined) return refuse('stopping', 'no terminals are served now');
  const ask = then && node.asks.open('', name, Number.POSITIVE_INFINITY, then);
  if (ask === 0) return 0;
  const actor = sessions.children.spawn('session', session, { user, from });
  if (!actor.post({ is: 'told', message, ask: ask ?? 0, who: user }) && ask !== undefined)
    node.asks.answer(ask, { ok: false, failure: failure('busy', 'too much at once') });
  return ask !== undefined && node.asks.isOpen(ask) ? ask : 0;
}

/** Ends a session; what it was asked is answered by its end. */
export const endSession = (node: Node, session: string): void =>
  node.routes.find(SESSIONS)?.children.halt(session);
