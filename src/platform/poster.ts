import { createHmac } from 'node:crypto';
import { type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http';
import { request as overTls } from 'node:https';
import type { Posting } from '../actors/herald/tasks.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { familyOf } from './addresses.ts';
import { hostOf, type NotifyRules, portOf } from './notify-rules.ts';

export type PosterSetup = {
  readonly rules: NotifyRules;
  /** What receivers know us by. */
  readonly key: () => Promise<string>;
  /** Who we say we are. */
  readonly agent: string;
  /** How long one may take. */
  readonly ms?: number;
};

/** Tells receivers of changes: each request is signed, short, and goes where it may or nowhere. */
export type Poster = {
  /** Whether a URL may be told at all, and we have what to sign with. Throws `Failed`. */
  readonly check: (url: string) => Promise<void>;
  readonly post: (posting: Posting, signal: AbortSignal) => Promise<void>;
};

export function openPoster(setup: PosterSetup): Poster {
  const { rules, key, ms = limits.heraldPostMs } = setup;
  const turns = openTurns(limits.heraldPostsMax);
  return {
    async check(url) {
      await rules.addressOf(new URL(url));
      await key();
    },
    async post(posting, signal) {
      const url = new URL(posting.url);
      let leave = (): void => {};
      try {
        leave = await turns.enter(url.host, signal);
        const ended = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
        await within(ended, send(setup, url, posting, ended));
      } catch (error) {
        throw failedAt(url, error, ms);
      } finally {
        leave();
      }
    },
  };
}

/** The signature that goes with a body: what a receiver computes by the same key, and compares. */
export const signatureOf = (key: string, body: string): string =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;

async function send(
  { rules, key, agent }: PosterSetup,
  url: URL,
  { body, delivery }: Posting,
  signal: AbortSignal,
): Promise<void> {
  const address = await rules.addressOf(url);
  const name = hostOf(url);
  const options: RequestOptions & { readonly servername: string } = {
    method: 'POST',
    // Not the name: it is not looked up again.
    host: address,
    port: portOf(url),
    path: url.pathname + url.search,
    servername: familyOf(name) === undefined ? name : '',
    agent: false,
    signal,
    headers: {
      host: url.host,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': agent,
      'swm-delivery': delivery,
      'swm-signature': signatureOf(await key(), body),
      connection: 'close',
    },
  };
  const status = await answered(url.protocol === 'https:' ? overTls : overHttp, options, body);
  if (status >= 200 && status < 300) return;
  throw new Failed('refused', `it answered with status ${status}`, true);
}

/** The status is all that is read of an answer. */
const answered = (
  request: typeof overHttp,
  options: RequestOptions,
  body: string,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(options, (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      sent.destroy();
    });
    // What comes after the answer, or instead of one that could be read, changes nothing.
    sent.on('error', reject);
    sent.on('close', () => reject(new Error('it closed the connection without an answer')));
    sent.end(body);
  });

/** A look for an address cannot be stopped; nobody waits for it any longer. */
const within = <T>(signal: AbortSignal, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });

function failedAt(url: URL, error: unknown, ms: number): Failed {
  if (error instanceof Failed) return error;
  const { name, message } = error as Error;
  const why = name === 'TimeoutError' ? `it did not answer within ${ms / 1000} s` : message;
  return new Failed(name === 'TimeoutError' ? 'timeout' : 'unreachable', `${url.host}: ${why}`);
}

type Turns = {
  /** Resolves when it is one's turn with what ends it; rejects if it is waited for no more. */
  enter(name: string, signal: AbortSignal): Promise<() => void>;
};

/** Lets so many in at once under each name: a slow one keeps nobody else waiting. */
function openTurns(most: number): Turns {
  const rooms = new Map<string, { inside: number; readonly waiting: (() => void)[] }>();
  return {
    async enter(name, signal) {
      signal.throwIfAborted();
      const room = rooms.get(name) ?? { inside: 0, waiting: [] };
      rooms.set(name, room);
      if (room.inside < most) room.inside += 1;
      else await waited(room.waiting, signal);
      return () => {
        // Whoever comes next takes the place over.
        const next = room.waiting.shift();
        if (next !== undefined) return next();
        room.inside -= 1;
        if (room.inside === 0) rooms.delete(name);
      };
    },
  };
}

const waited = (waiting: (() => void)[], signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const stop = (): void => {
      waiting.splice(waiting.indexOf(go), 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    waiting.push(go);
  });
