import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, Failed, type Failure, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import { namePattern } from './identity.ts';
import { respond } from './refusal.ts';

/** What a newcomer says of itself; only the token and the key in the request count for anything. */
export type JoinRequest = {
  /** Secret: never logged. */
  readonly token: string;
  /** PKCS#10, PEM. */
  readonly csr: string;
  /** The node name that the token was made for. */
  readonly name: string;
  /** Where the request came from. */
  readonly address: string;
};

/** PEM of the new node's certificate, and of the authorities: the cluster's and those above it. */
export type JoinAnswer = { readonly certificate: string; readonly chain: string };

/**
 * Answers `POST /join`, the one path that asks for no certificate; no more than a small body is
 * read. Attempts of an address are counted. Past the limit only who is expected is heard: jobs, and
 * all behind one router, share an address, and none of them may keep the others' nodes away.
 */
export function joinDoor(
  onJoin: (request: JoinRequest) => Promise<JoinAnswer>,
  isExpected: (request: JoinRequest) => boolean,
  note: Note | undefined,
): (request: IncomingMessage, response: ServerResponse) => void {
  const allow = attempts(limits.joinsPerMinute, 60_000);
  return (request, response) => {
    const address = request.socket.remoteAddress ?? '';
    const waitMs = allow(neighbourhood(address), performance.now());
    const seconds = Math.ceil(waitMs / 1000);
    const tooMany = new Failed('busy', `too many attempts; try again in ${seconds} s`);
    readBody(request)
      .then((body) => {
        const asked = waitMs > 0 ? ifExpected(body, address) : requestOf(body, address);
        if (asked === undefined) throw tooMany;
        return onJoin(asked);
      })
      .then(({ certificate, chain }) => respond(response, 200, { certificate, chain }, closing))
      .catch((error: unknown) => {
        note?.('warn', '/join', 'refused', { from: address, why: (error as Error)?.message });
        problem(response, error, error === tooMany ? { 'retry-after': String(seconds) } : {});
      });
  };

  function ifExpected(body: unknown, address: string): JoinRequest | undefined {
    try {
      const asked = requestOf(body, address);
      return isExpected(asked) ? asked : undefined;
    } catch (error) {
      if (error instanceof Malformed) return undefined;
      throw error;
    }
  }
}

/**
 * Counts attempts by address in windows of a given length, and gives the milliseconds to wait, 0
 * for none. Past `limits.joinAddressesMax` addresses the oldest window is forgotten.
 */
export function attempts(max: number, windowMs: number): (address: string, now: number) => number {
  const windows = new Map<string, { from: number; count: number }>();
  return (address, now) => {
    const seen = windows.get(address);
    if (seen !== undefined && now - seen.from < windowMs) {
      seen.count += 1;
      return seen.count > max ? seen.from + windowMs - now : 0;
    }
    windows.delete(address);
    windows.set(address, { from: now, count: 1 });
    if (windows.size > limits.joinAddressesMax) windows.delete(windows.keys().next().value!);
    return 0;
  };
}

/** One host has a whole /64 of IPv6 to come from. */
const neighbourhood = (address: string): string =>
  address.includes('.') ? address : address.split(':').slice(0, 4).join(':');

const closing = { connection: 'close' };

/** Reads on past the limit without keeping anything, so that the refusal can be read. */
function readBody(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= limits.joinBytesMax) return void parts.push(part);
      reject(new Failed('too_large', `${limits.joinBytesMax} bytes are enough to join`));
    });
    request.on('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(parts).toString()));
      } catch {
        reject(new Malformed('$', 'JSON'));
      }
    });
    request.on('error', reject);
    request.on('close', () => reject(new Failed('unreachable', 'the request broke off')));
  });
}

function requestOf(body: unknown, address: string): JoinRequest {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { token, csr, name } = fields;
  if (typeof token !== 'string' || token.length === 0 || token.length > 256)
    throw new Malformed('$.token', 'a join token');
  if (typeof csr !== 'string' || csr.length > limits.requestCharsMax)
    throw new Malformed('$.csr', 'a PKCS#10 request in PEM');
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new Malformed('$.name', 'the name of a node');
  return { token, csr, name, address };
}

/** RFC 9457, with our code and whether to try again. A bug tells the outside nothing of itself. */
function problem(
  response: ServerResponse,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const failure = failureOf(error);
  const status = errors[failure.code].http;
  const body = { status, title: failure.code, detail: failure.text, ...failure };
  respond(response, status, body, {
    ...headers,
    ...closing,
    'content-type': 'application/problem+json',
  });
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failed) return error.failure;
  if (error instanceof Malformed) return { code: 'malformed', text: error.message, retry: false };
  return { code: 'bug', text: 'the head failed to answer; its log says why', retry: true };
}
