import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Code } from '../protocol/errors.ts';

/** What a refused request is told. Existing clients know `error` alone. */
export type Refusal = { readonly error: Code; readonly text?: string };

/** Answers with JSON and ends the connection, read or not. */
export function refuse(
  response: ServerResponse,
  status: number,
  body: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  respond(response, status, body, { ...headers, connection: 'close' });
}

export function respond(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** The same where there is no response object: before an upgrade, or for what is not HTTP. */
export function refuseSocket(socket: Socket, status: number, error: Code, text?: string): void {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify(text === undefined ? { error } : { error, text });
  socket.once('finish', () => socket.destroy());
  // A peer that does not read its refusal is not waited for.
  socket.setTimeout(1_000, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

export const pathOf = (request: IncomingMessage): string => {
  const url = request.url ?? '/';
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
};

/**
 * True if a browser sends this for a page of another site. It shows the user's certificate for such
 * a request too, so the page could submit jobs in the user's name.
 */
export function isCrossSite(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== new URL(`https://${host}`).host;
  } catch {
    return true;
  }
}
