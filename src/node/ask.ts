import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Message } from '../protocol/messages.ts';
import { control } from '../protocol/ref.ts';
import type { Node } from '../runtime/node.ts';
import type { Millis } from '../runtime/ports.ts';

/** Puts a question to an actor of the control tree on behalf of this node. */
export function ask(
  node: Node,
  path: string,
  question: Message,
  ms: Millis = limits.callMs,
): Promise<object> {
  return new Promise((resolve, reject) => {
    const who = { door: 'local', id: `node ${node.name}` } as const;
    node.routes.ask(control(path), question, ms, who, (answer) => {
      if (answer.ok) resolve(answer.body);
      else reject(new Failed(answer.failure.code, answer.failure.text, answer.failure.retry));
    });
  });
}
