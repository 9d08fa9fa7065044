import { TERMINAL_CALLS } from '../../actors/session/session.ts';
import { Failed } from '../../protocol/errors.ts';
import { type Message, message, messages, type Name } from '../../protocol/messages.ts';
import { bodyChecks } from '../../protocol/wire/body-checks.ts';
import type { Answer } from '../../runtime/asks.ts';
import type { Node } from '../../runtime/node.ts';
import { askSession, type Speaker } from '../ask-session.ts';
import { type Audited, isRead } from '../audited.ts';
import type { Answers } from './process.ts';

export type CallSetup = {
  readonly node: Node;
  readonly speaker: Speaker;
  /** Whether what changes something may be called. */
  readonly write: boolean;
  readonly audited: Audited | undefined;
};

export const READS_ONLY = 'this shell was opened without --write';

/** What is typed is noted in the audit, where no value of a secret may stand. */
const untold: readonly Name[] = ['secret.set'];

/** The calls of the table as an operator's own session answers them. */
export const callsOf = (setup: CallSetup): Answers =>
  new Map(
    TERMINAL_CALLS.filter((name) => !untold.includes(name)).map((name) => [
      name,
      (body: unknown = {}) => call(setup, name, body),
    ]),
  );

async function call({ node, speaker, write, audited }: CallSetup, name: Name, body: unknown) {
  if (!write && !isRead(name))
    throw new Failed('forbidden', `${name} changes something: ${READS_ONLY}`);
  if (typeof body !== 'object' || body === null)
    throw new Failed('malformed', `${name} takes an object: ${messages[name].help}`);
  const asked: Message = message(name, bodyChecks.body(name, body) as never);
  return new Promise<object>((resolve, reject) => {
    const told = (answer: Answer): void => {
      if (answer.ok) return resolve(answer.body);
      const { code, text, retry } = answer.failure;
      reject(new Failed(code, text, retry));
    };
    askSession(node, speaker, asked, told, audited);
  });
}
