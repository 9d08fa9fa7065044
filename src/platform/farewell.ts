/** Close codes of WebSocket that we send on purpose. */
export const farewell = {
  closed: 1000,
  wrongKind: 1003,
  malformed: 1007,
  bug: 1011,
  unauthorized: 4401,
} as const;

const words: Readonly<Record<number, string>> = {
  1000: 'closed',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'wrong kind of frame',
  1005: 'closed',
  1006: 'reset',
  1007: 'malformed',
  1008: 'refused',
  1009: 'frame too large',
  1011: 'bug',
  1012: 'restarting',
  1013: 'busy',
  4401: 'unauthorized',
};

/** Why a link was closed, in words: the peer's own where it gave some, else those of its code. */
export const reasonOfClose = (code: number, reason: string): string =>
  reason !== '' ? reason : (words[code] ?? `closed with code ${code}`);

/** Why it broke on our side. A peer that vanishes without goodbye is a `reset`. */
export function reasonOfError(error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 'frame too large';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'silent';
    default:
      return error.code?.startsWith('WS_ERR_') === true
        ? `protocol error: ${error.message}`
        : `broken: ${error.message}`;
  }
}

/** A close frame has room for 123 bytes of reason. */
export function fitReason(why: string): string {
  if (Buffer.byteLength(why) <= 123) return why;
  let fit = why.slice(0, 120);
  while (Buffer.byteLength(fit) > 120) fit = fit.slice(0, -1);
  // A surrogate pair cut in half would not be UTF-8.
  return `${fit.replace(/[\ud800-\udbff]$/, '')}…`;
}
