import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Code, Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message, type Name, type Reply } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import { bodyChecks } from '../../protocol/wire/body-checks.ts';
import type { Answer } from '../../runtime/asks.ts';
import type { Node } from '../../runtime/node.ts';
import { askSession, endSession } from '../ask-session.ts';
import type { Audited } from '../audited.ts';

/** A user, and from where a request of it came. */
export type Caller = Who & { readonly from?: string };

/** Puts a call of the table to the user's session. Throws `Failed`, or `Malformed` with a path. */
export type Call = <N extends Name>(user: Caller, name: N, body: Body<N>) => Promise<Reply<N>>;

/** What may have been done, or not: it is not said again, for it would be done twice. */
const once: readonly Name[] = ['job.requeue', 'head.transfer', 'head.backup'];
const passing: readonly Code[] = ['stopping', 'unreachable', 'unknown_outcome'];

/**
 * All requests of a user from one place share a session while any of them waits: so they go the
 * same way as those of a terminal that is connected, on whichever head. While another head comes to
 * lead they wait for it, since programs that make requests mostly ask but once.
 */
export function callsOf(node: Node, audited: Audited | undefined): Call {
  const ask = asksOf(node, audited);
  return async (user, name, body) => {
    const untilMs = Date.now() + limits.leaderMsMax;
    const asked = bodyChecks.body(name, keyed(name, body)) as typeof body;
    for (;;) {
      try {
        return await ask(user, name, asked);
      } catch (error) {
        const code = error instanceof Failed ? error.failure.code : undefined;
        const isOver = once.includes(name) || Date.now() >= untilMs;
        if (isOver || code === undefined || !passing.includes(code)) throw error;
      }
      await sleep(AGAIN_MS);
    }
  };
}

const AGAIN_MS = 50;

/** With a key, a submit that is said twice is one job. */
function keyed<N extends Name>(name: N, body: Body<N>): Body<N> {
  if (name !== 'job.submit' || (body as Body<'job.submit'>).key !== undefined) return body;
  return { ...body, key: randomUUID() };
}

function asksOf(node: Node, audited: Audited | undefined): Call {
  const waiting = new Map<string, number>();
  const ended = (session: string): void => {
    const left = (waiting.get(session) ?? 1) - 1;
    if (left > 0) return void waiting.set(session, left);
    waiting.delete(session);
    endSession(node, session);
  };
  return ({ door, id, from = '' }, name, body) => {
    const user = { door, id };
    const session = `rest-${door}-${id}-${from}`;
    const before = waiting.get(session) ?? 0;
    if (before >= limits.restCallsMax)
      throw new Failed('busy', `${limits.restCallsMax} requests of yours are not answered yet`);
    waiting.set(session, before + 1);
    return new Promise((resolve, reject) => {
      const told = (answer: Answer): void => {
        // Its session is still at work on this very answer.
        setImmediate(ended, session);
        if (answer.ok) return resolve(answer.body as Reply<typeof name>);
        const { code, text, retry } = answer.failure;
        reject(new Failed(code, text, retry));
      };
      askSession(node, { user, from, session }, message(name, body), told, audited);
    });
  };
}
