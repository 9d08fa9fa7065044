import { limits } from '../protocol/limits.ts';
import type { Message, Name } from '../protocol/messages.ts';
import type { AuditRow } from '../protocol/user-shapes.ts';
import type { Answer } from '../runtime/asks.ts';
import type { Millis } from '../runtime/ports.ts';
import type { Speaker } from './ask-session.ts';

/** Notes what becomes of a user's call: gives what is to be told its answer, if it is a change. */
export type Audited = (speaker: Speaker, asked: Message) => ((answer: Answer) => void) | undefined;

/** All else changes something, also what is added to the table one day. */
export const isRead = (name: Name): boolean => /\.(list|show|status|check)$/.test(name);

export const auditedBy =
  (note: (row: AuditRow) => void, now: () => Millis): Audited =>
  ({ user, from }, { name, body }) => {
    // Nor does it say anything of its user that a terminal is there still.
    if (isRead(name) || name === 'job.tie') return undefined;
    const at = now();
    return (answer) =>
      note({
        at,
        who: short(user.id),
        door: user.door,
        from: short(from),
        what: name,
        of: thingOf(body, answer),
        result: answer.ok ? 'done' : answer.failure.code,
      });
  };

/** By which a call, or its answer, says what it is about; nothing else of it is noted. */
const names = ['id', 'node', 'user', 'name', 'remote', 'to', 'of'] as const;

/** The answer has the whole id, and that of what was made. */
function thingOf(body: object, answer: Answer): string {
  const said = { ...body, ...(answer.ok && answer.body) } as Readonly<Record<string, unknown>>;
  const found = names.map((field) => said[field]).find((value) => typeof value === 'string');
  return short(String(found ?? ''));
}

const short = (text: string): string => text.slice(0, limits.auditCharsMax);
