import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Millis } from '../runtime/ports.ts';

/** What the site of a machine is about to do, so that all that runs there ends. */
export type Notice = {
  readonly id: string;
  /** In the site's word for it. */
  readonly what: string;
  /** Not before then; undefined: at once, or it has begun. */
  readonly at: Millis | undefined;
};

/** Where a machine hears of it. Both throw `Failed`. */
export type Notices = {
  list(signal: AbortSignal): Promise<readonly Notice[]>;
  /** Says that it need not wait any longer. */
  approve(id: string, signal: AbortSignal): Promise<void>;
};

/** The scheduled events of Azure, which a machine asks for at an address of its own. */
export function scheduledEvents({ url, machine }: { url: string; machine: string }): Notices {
  const place = `${url}?api-version=${VERSION}`;
  let answerMs: Millis = limits.noticesFirstMs;
  return {
    async list(signal) {
      const said = await exchange(place, undefined, answerMs, signal);
      answerMs = limits.noticesMs;
      return noticesIn(said, machine);
    },
    async approve(EventId, signal) {
      await exchange(place, { StartRequests: [{ EventId }] }, limits.noticesMs, signal);
    },
  };
}

const VERSION = '2020-07-01';
/** Of the others, a machine that is frozen for some seconds goes on as if nothing had been. */
const ENDING = new Set(['Preempt', 'Terminate', 'Redeploy', 'Reboot']);

const Said = Type.Object({ Events: Type.Array(Type.Unknown()) });
const Event = Type.Object({
  EventId: Type.String({ minLength: 1, maxLength: 200 }),
  EventType: Type.String(),
  Resources: Type.Array(Type.String()),
  EventStatus: Type.Optional(Type.String()),
  NotBefore: Type.Optional(Type.String()),
});

/** Of this machine only: it may hear of its neighbours too. What is no event hides none. */
function noticesIn(said: string, machine: string): readonly Notice[] {
  const { Events } = read(said);
  const isOurs = ({ EventType, Resources }: Static<typeof Event>): boolean =>
    ENDING.has(EventType) && Resources.some((name) => name.toLowerCase() === machine.toLowerCase());
  return Events.filter((each) => Value.Check(Event, each))
    .filter(isOurs)
    .map(({ EventId: id, EventType: what, EventStatus, NotBefore = '' }) => {
      const at = Date.parse(NotBefore);
      return { id, what, at: EventStatus === 'Started' || Number.isNaN(at) ? undefined : at };
    });
}

function read(said: string): Static<typeof Said> {
  try {
    const document: unknown = JSON.parse(said);
    if (Value.Check(Said, document)) return document;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Failed('site_error', 'what the site says of its plans cannot be understood', true);
}

/** Gives the text of an answer that says yes. Without a body it is a question. */
async function exchange(
  url: string,
  body: object | undefined,
  ms: Millis,
  given: AbortSignal,
): Promise<string> {
  const signal = AbortSignal.any([given, AbortSignal.timeout(ms)]);
  const method = body === undefined ? 'GET' : 'POST';
  try {
    // A connection of its own each time: what is asked so seldom is cut in between.
    const asked = request(url, { method, headers: { metadata: 'true' }, agent: false, signal });
    asked.end(body && JSON.stringify(body));
    return await answerOf(asked);
  } catch (error) {
    if (error instanceof Failed) throw error;
    throw new Failed('unreachable', `${url}: ${(error as Error).message}`, true);
  }
}

async function answerOf(asked: ClientRequest): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
  });
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    bytes += (part as Buffer).length;
    if (bytes > limits.noticesBytesMax)
      throw new Failed('site_error', 'its answer has no end', true);
    parts.push(part as Buffer);
  }
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode < 300) return Buffer.concat(parts).toString();
  throw new Failed('site_error', `the site answers ${statusCode} when asked for its plans`, true);
}
