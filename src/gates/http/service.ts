import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { type Code, Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { detailIn, errorIn, failureOf, proseOf } from './replies.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a service is dialled with. */
export type Dial = {
  readonly server: string;
  readonly port: number;
  /** PEM: whom we believe, and what we show of ourselves. */
  readonly tls: Pick<RequestOptions, 'ca' | 'key' | 'cert'>;
  /** The credential for the cloud, as it is now. Secret. */
  readonly credential: () => Promise<string>;
};

export type Question = {
  readonly method: Method;
  /** As it is sent: two slashes stay two. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly answerMs: number;
};

/**
 * How a request went. `bad`: it was refused. `broken`: the service failed at it, and may have done
 * some of it. `lost`: it may still be at it. `unsent`: it has heard nothing.
 */
export type Answer =
  | { readonly is: 'good'; readonly body: unknown }
  | { readonly is: 'missing'; readonly failed: Failed }
  | { readonly is: 'bad' | 'broken' | 'lost' | 'unsent'; readonly failed: Failed };

type Said = { readonly status: number; readonly location: string; readonly text: string };

/** Asks the service. What fails is an answer; only what may not be asked at all is thrown. */
export async function ask(dial: Dial, question: Question, signal: AbortSignal): Promise<Answer> {
  checkHeaders(question.headers);
  // As bytes: a text would be put behind the headers, and they be sent as UTF-8 with it.
  const body = Buffer.from(JSON.stringify({ pem_data: await dial.credential() }));
  const first = await exchange(dial, question, body, signal);
  if ('is' in first) return first;
  if (first.status !== 307) return understood(first);
  const path = redirected(dial, question, first.location);
  if (path === undefined) return understood(first);
  const second = await exchange(dial, { ...question, path }, body, signal);
  return 'is' in second ? second : understood(second);
}

/** Parameters travel as headers, where only Latin-1 without line ends gets through unchanged. */
function checkHeaders(headers: Question['headers']): void {
  for (const [name, value] of Object.entries(headers))
    if (!/^[\x20-\x7e\xa0-\xff]*$/.test(value) || value.length > limits.textCharsMax)
      throw new Failed('impossible', `${name} cannot be told to the gate service: ${clip(value)}`);
}

const clip = (value: string): string => JSON.stringify(value.slice(0, 80));

/** The same path with or without a slash at its end, on the same service; nothing else. */
function redirected(dial: Dial, { path }: Question, location: string): string | undefined {
  const target = location.startsWith('/') ? location : afterOrigin(location, dial);
  const bare = (one: string): string => one.replace(/\/$/, '');
  return target !== undefined && target !== path && bare(target) === bare(path)
    ? target
    : undefined;
}

/** The path of an absolute address, as it stands there: a parser might join doubled slashes. */
function afterOrigin(location: string, { server, port }: Dial): string | undefined {
  const [, host, path] = /^https:\/\/([^/?#]+)(\/[^?#]*)$/i.exec(location) ?? [];
  const named = host?.includes(':', host.indexOf(']') + 1) === true ? host : `${host}:443`;
  return named.toLowerCase() === `${hostOf(server)}:${port}`.toLowerCase() ? path : undefined;
}

const hostOf = (server: string): string => (server.includes(':') ? `[${server}]` : server);

/** One request on a connection of its own, with its body and length whatever the method is. */
function exchange(
  { server, port, tls }: Dial,
  { method, path, headers, answerMs }: Question,
  body: Buffer,
  signal: AbortSignal,
): Promise<Said | Answer> {
  return new Promise((resolve, reject) => {
    let isSent = false;
    const at = `the gate service ${server}:${port}`;
    const over = (): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', giveUp);
      sent.destroy();
    };
    const fail = (why: string): void => {
      over();
      const code: Code = isSent ? 'timeout' : 'unreachable';
      const text = isSent ? `${at} did not answer: ${why}` : `${at} cannot be reached: ${why}`;
      resolve({ is: isSent ? 'lost' : 'unsent', failed: new Failed(code, text) });
    };
    const giveUp = (): void => {
      over();
      reject(new Failed('timeout', 'it was given up'));
    };
    let late = setTimeout(() => fail('it took too long'), limits.handshakeMsMax);
    const options: RequestOptions = {
      ...{ method, path, host: server, port, agent: false, minVersion: 'TLSv1.3', ...tls },
      // Of older installations the cluster's authority is believed, and not the grid's above it.
      allowPartialTrustChain: true,
      headers: {
        ...headers,
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': body.byteLength,
      },
    };
    const sent = request(options, (response) => {
      textOf(response).then(
        (text) => {
          over();
          const { statusCode: status = 0, headers: heard } = response;
          resolve({ status, location: heard.location ?? '', text });
        },
        (error: Error) => fail(error.message),
      );
    });
    sent.on('socket', (socket) => {
      socket.once('secureConnect', () => {
        isSent = true;
        clearTimeout(late);
        late = setTimeout(() => fail('it took too long'), answerMs);
      });
    });
    sent.on('error', (error) => fail(error.message));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    else sent.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > limits.gateReplyBytesMax) throw new Error('its answer is too long');
    parts.push(part);
  }
  if (!response.complete) throw new Error('its answer was cut off');
  return Buffer.concat(parts).toString('utf8');
}

/** Many failures come as good answers: what is said counts before the status does. */
function understood({ status, text }: Said): Answer {
  const body = jsonOf(text);
  if (status === 200 && body === undefined) {
    const failed = new Failed('site_error', `the gate service did not answer with JSON`);
    return { is: 'broken', failed };
  }
  const error = errorIn(body);
  if (status === 200)
    return error === '' ? { is: 'good', body } : { is: 'bad', failed: failureOf(error) };
  const why = error || detailIn(body) || proseOf(text) || 'it does not say why';
  const said = `the gate service answered with ${status}: ${why}`;
  if (status === 404) return { is: 'missing', failed: new Failed('not_found', said) };
  return { is: courseOf(status), failed: failureOf(said, codeOf(status)) };
}

/** By 502 and 504 something between us says that it has waited for long enough. */
function courseOf(status: number): 'bad' | 'broken' | 'lost' {
  if (status === 502 || status === 504) return 'lost';
  return status >= 500 ? 'broken' : 'bad';
}

function codeOf(status: number): Code {
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 429) return 'busy';
  return status >= 400 && status < 500 ? 'refused' : 'site_error';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
