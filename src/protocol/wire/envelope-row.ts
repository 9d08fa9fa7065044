import type { Envelope } from '../envelope.ts';
import { type Failure, failure, isCode, Malformed } from '../errors.ts';
import { limits } from '../limits.ts';
import { byCode, type Message, messages, type Name } from '../messages.ts';
import type { Door, Who } from '../who.ts';

/**
 * An envelope as the array that goes over a socket: a number below 16 in front, but for a call
 * `[code, to, ask, body(, [door, id(, account)])]`.
 */
export type EnvelopeRow = readonly unknown[];

/** What judges the bodies; it gives them back, or throws `Malformed`. */
export type BodyChecks = {
  readonly body: (name: Name, body: object) => object;
  readonly reply: (name: Name, body: object) => object;
};

const kinds = { reply: 0, refused: 1, watch: 2, unwatch: 3, down: 4 } as const;
/** Codes of messages begin here, see the table of messages. */
const firstCode = 16;
const doors: readonly unknown[] = [
  'local',
  'terminal',
  'operator',
  'head',
  'worker',
] satisfies Door[];
const refusalCharsMax = 4_096;

/** Makes the row of an envelope; its body is shared, not copied. */
export function rowOf(envelope: Envelope): EnvelopeRow {
  switch (envelope.is) {
    case 'call': {
      const { to, ask, message, who } = envelope;
      const { code } = messages[message.name];
      return who === undefined
        ? [code, to, ask, message.body]
        : [code, to, ask, message.body, rowOfWho(who)];
    }
    case 'reply':
      return [kinds.reply, envelope.ask, messages[envelope.name].code, envelope.body];
    case 'refused':
      return [kinds.refused, envelope.ask, fitting(envelope.failure)];
    case 'watch':
      return [kinds.watch, envelope.watch, envelope.path];
    case 'unwatch':
      return [kinds.unwatch, envelope.watch];
    case 'down':
      return [kinds.down, envelope.watch, envelope.why.slice(0, refusalCharsMax)];
  }
}

/** Reads a row; throws only `Malformed`, whose paths begin at the row or at the body within it. */
export function envelopeOf(row: unknown, checks: BodyChecks): Envelope {
  if (!Array.isArray(row)) throw new Malformed('$', 'an envelope is an array');
  const code: unknown = row[0];
  if (!isNumber(code)) throw new Malformed('$[0]', 'a code');
  if (code >= firstCode) return callOf(row, code, checks);
  switch (code) {
    case kinds.reply: {
      const ask = numberIn(row, 1);
      const name = nameOf(row[2], '$[2]');
      return { is: 'reply', ask, name, body: checks.reply(name, objectIn(row, 3)) };
    }
    case kinds.refused:
      return { is: 'refused', ask: numberIn(row, 1), failure: failureOf(row[2]) };
    case kinds.watch:
      return {
        is: 'watch',
        watch: numberIn(row, 1),
        path: textIn(row, 2, '$[2]', limits.pathCharsMax),
      };
    case kinds.unwatch:
      return { is: 'unwatch', watch: numberIn(row, 1) };
    case kinds.down:
      return { is: 'down', watch: numberIn(row, 1), why: textIn(row, 2, '$[2]', refusalCharsMax) };
    default:
      throw new Malformed('$[0]', `${code} is no code`);
  }
}

/** The question that a row puts, also if the rest of it is broken; 0: none to be answered. */
export function askOf(row: unknown): number {
  if (!Array.isArray(row) || !isNumber(row[0]) || row[0] < firstCode) return 0;
  return isNumber(row[2]) ? row[2] : 0;
}

function callOf(row: readonly unknown[], code: number, checks: BodyChecks): Envelope {
  const name = nameOf(code, '$[0]');
  const to = textIn(row, 1, '$[1]', limits.pathCharsMax);
  const ask = numberIn(row, 2);
  const message = { name, body: checks.body(name, objectIn(row, 3)) } as Message;
  return row.length > 4 && row[4] !== null
    ? { is: 'call', to, ask, message, who: whoOf(row[4]) }
    : { is: 'call', to, ask, message };
}

function nameOf(code: unknown, at: string): Name {
  const name = byCode.get(code as number);
  if (name === undefined)
    throw new Malformed(at, `${String(code).slice(0, 20)} is no message here`);
  return name;
}

const rowOfWho = ({ door, id, adminOf }: Who): readonly string[] =>
  adminOf === undefined ? [door, id] : [door, id, adminOf];

function whoOf(value: unknown): Who {
  if (!Array.isArray(value) || !doors.includes(value[0]))
    throw new Malformed('$[4]', 'a door and an id');
  const who = { door: value[0] as Door, id: textIn(value, 1, '$[4][1]', limits.pathCharsMax) };
  if (value.length < 3) return who;
  return { ...who, adminOf: textIn(value, 2, '$[4][2]', limits.pathCharsMax) };
}

function failureOf(value: unknown): Failure {
  if (!isObject(value)) throw new Malformed('$[2]', 'a failure');
  const { code, text, retry } = value as { readonly [field: string]: unknown };
  if (typeof code !== 'string') throw new Malformed('$[2].code', 'a text');
  if (typeof text !== 'string') throw new Malformed('$[2].text', 'a text');
  // A newer peer may know codes that this one does not: its text still says what happened.
  return failure(isCode(code) ? code : 'refused', text.slice(0, refusalCharsMax), retry === true);
}

const fitting = (why: Failure): Failure =>
  why.text.length <= refusalCharsMax ? why : { ...why, text: why.text.slice(0, refusalCharsMax) };

function numberIn(row: readonly unknown[], index: number): number {
  const value = row[index];
  if (!isNumber(value)) throw new Malformed(`$[${index}]`, 'a whole number');
  return value;
}

function textIn(row: readonly unknown[], index: number, at: string, charsMax: number): string {
  const value = row[index];
  if (typeof value !== 'string') throw new Malformed(at, 'a text');
  if (value.length > charsMax) throw new Malformed(at, `at most ${charsMax} characters`);
  return value;
}

function objectIn(row: readonly unknown[], index: number): object {
  const value = row[index];
  if (!isObject(value)) throw new Malformed('$', 'an object as body');
  return value;
}

const isNumber = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
