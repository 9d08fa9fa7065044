import { type Failure, failure, isCode, Malformed } from '../errors.ts';
import { limits } from '../limits.ts';

/**
 * One frame of a stream. Offsets count the bytes of one direction from the stream's start; the end
 * counts as one more, so that an offset can say that it was received or consumed.
 */
export type StreamFrame =
  | {
      readonly is: 'open';
      readonly id: string;
      /** Bytes that the opener takes beyond what it has consumed. */
      readonly window: number;
      readonly kind: string;
      readonly body: object;
    }
  | { readonly is: 'accept'; readonly id: string; readonly window: number; readonly body: object }
  | {
      readonly is: 'data';
      readonly id: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** All before `offset` is consumed: its sender forgets it and may send as much more. */
  | { readonly is: 'credit'; readonly id: string; readonly offset: number }
  | { readonly is: 'end'; readonly id: string; readonly offset: number }
  | { readonly is: 'reset'; readonly id: string; readonly failure: Failure }
  /** First on a new link: all before `offset` is received, go on from there. */
  | { readonly is: 'resume'; readonly id: string; readonly offset: number };

/**
 * The first byte of each stream frame. msgpack never uses it, so stream frames and envelopes can
 * share a socket.
 */
const streamMark = 0xc1;

/** Bytes of a data frame before its payload. */
export const dataHeadBytes = 24;

/** Gives room for a frame; its content may be anything. */
export type Alloc = (bytes: number) => Uint8Array;

const headBytes = 18;
const offsetMax = 2 ** 48 - 1;
const resetCharsMax = 500;
const names = ['open', 'accept', 'data', 'credit', 'end', 'reset', 'resume'] as const;
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const zeroed: Alloc = (bytes) => new Uint8Array(bytes);

export const isStreamFrame = (frame: Uint8Array): boolean => frame[0] === streamMark;
export const isStreamId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id);
export const isStreamKind = (kind: string): boolean => /^[a-z][a-z0-9.-]{0,63}$/.test(kind);

/** Writes any frame. Throws `Malformed` if its bodies are larger than a frame may be. */
export function encodeStreamFrame(frame: StreamFrame): Uint8Array {
  switch (frame.is) {
    case 'open': {
      const kind = utf8.encode(frame.kind);
      return withBody(frame, [Uint8Array.of(kind.length), kind, jsonOf(frame.body)], frame.window);
    }
    case 'accept':
      return withBody(frame, [jsonOf(frame.body)], frame.window);
    case 'data': {
      const bytes = dataFrame(frame.id, frame.offset, frame.bytes.length, zeroed);
      bytes.set(frame.bytes, dataHeadBytes);
      return bytes;
    }
    case 'reset': {
      const code = utf8.encode(frame.failure.code);
      const text = utf8.encode(frame.failure.text.slice(0, resetCharsMax).toWellFormed());
      return withBody(frame, [Uint8Array.of(code.length), code, text], frame.failure.retry ? 1 : 0);
    }
    case 'credit':
    case 'end':
    case 'resume': {
      const bytes = new Uint8Array(dataHeadBytes);
      writeHead(bytes, frame.is, frame.id);
      writeOffset(bytes, frame.offset);
      return bytes;
    }
  }
}

/** A data frame whose `length` bytes of payload, behind its head, are yet to be filled in. */
export function dataFrame(id: string, offset: number, length: number, alloc: Alloc): Uint8Array {
  const bytes = alloc(dataHeadBytes + length);
  writeHead(bytes, 'data', id);
  writeOffset(bytes, offset);
  return bytes;
}

/** Reads a frame; throws only `Malformed`. The bytes of a data frame are a view, not a copy. */
export function decodeStreamFrame(frame: Uint8Array): StreamFrame {
  if (frame.length < headBytes) throw new Malformed('$', 'a stream frame of at least 18 bytes');
  if (frame.length > limits.streamFrameBytesMax) {
    throw new Malformed('$', `a stream frame of at most ${limits.streamFrameBytesMax} bytes`);
  }
  if (frame[0] !== streamMark) throw new Malformed('$[0]', 'the mark of a stream frame');
  const is = names[frame[1] as number];
  if (is === undefined) throw new Malformed('$[1]', 'a known kind of stream frame');
  const id = readId(frame);
  switch (is) {
    case 'open': {
      const { window, rest } = readWindow(frame);
      const [kind, body] = readText(rest, '$.kind');
      if (!isStreamKind(kind)) throw new Malformed('$.kind', 'lower-case letters, digits, dots');
      return { is, id, window, kind, body: readBody(body) };
    }
    case 'accept': {
      const { window, rest } = readWindow(frame);
      return { is, id, window, body: readBody(rest) };
    }
    case 'data': {
      if (frame.length <= dataHeadBytes) throw new Malformed('$.bytes', 'at least one byte');
      return { is, id, offset: readOffset(frame), bytes: frame.subarray(dataHeadBytes) };
    }
    case 'reset': {
      const { window: retry, rest } = readWindow(frame);
      const [code, text] = readText(rest, '$.code');
      return { is, id, failure: readFailure(code, textOf(text, '$.text'), retry === 1) };
    }
    case 'credit':
    case 'end':
    case 'resume':
      if (frame.length !== dataHeadBytes) throw new Malformed('$', `${dataHeadBytes} bytes`);
      return { is, id, offset: readOffset(frame) };
  }
}

function withBody(
  frame: { readonly is: StreamFrame['is']; readonly id: string },
  parts: readonly Uint8Array[],
  window: number,
): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > limits.streamBodyBytesMax) {
    throw new Malformed('$.body', `at most ${limits.streamBodyBytesMax} bytes`);
  }
  const bytes = new Uint8Array(headBytes + 4 + length);
  writeHead(bytes, frame.is, frame.id);
  writeNumber(bytes, headBytes, 4, window);
  let at = headBytes + 4;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function writeHead(bytes: Uint8Array, is: StreamFrame['is'], id: string): void {
  bytes[0] = streamMark;
  bytes[1] = names.indexOf(is);
  for (let at = 0; at < 16; at += 1) {
    bytes[2 + at] = (nibble(id.charCodeAt(at * 2)) << 4) | nibble(id.charCodeAt(at * 2 + 1));
  }
}

/** The value of an ASCII hex digit in lower case. */
const nibble = (code: number): number => (code > 57 ? code - 87 : code - 48);

/** The last id that was read: frames of a busy stream follow each other. */
const last = { bytes: new Uint8Array(16), id: '0'.repeat(32) };

function readId(frame: Uint8Array): string {
  let same = true;
  for (let at = 0; at < 16; at += 1) same &&= frame[2 + at] === last.bytes[at];
  if (same) return last.id;
  last.bytes.set(frame.subarray(2, headBytes));
  last.id = Array.from(last.bytes, (byte) => hex[byte]).join('');
  return last.id;
}

function writeOffset(bytes: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset <= offsetMax)) throw new Malformed('$.offset', '48 bits');
  writeNumber(bytes, headBytes, 2, Math.floor(offset / 2 ** 32));
  writeNumber(bytes, headBytes + 2, 4, offset % 2 ** 32);
}

const readOffset = (frame: Uint8Array): number =>
  readNumber(frame, headBytes, 2) * 2 ** 32 + readNumber(frame, headBytes + 2, 4);

/** By hand, since a DataView for each frame is much garbage at thousands of frames a second. */
function writeNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let to = 0; to < length; to += 1) bytes[at + to] = value >>> (8 * (length - 1 - to));
}

function readNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let to = 0; to < length; to += 1) value = value * 256 + (bytes[at + to] as number);
  return value;
}

function readWindow(frame: Uint8Array): { readonly window: number; readonly rest: Uint8Array } {
  const rest = frame.subarray(headBytes + 4);
  if (frame.length < headBytes + 4) throw new Malformed('$.window', 'four bytes');
  if (rest.length > limits.streamBodyBytesMax) {
    throw new Malformed('$.body', `at most ${limits.streamBodyBytesMax} bytes`);
  }
  return { window: readNumber(frame, headBytes, 4), rest };
}

/** A short text with its length in front, and what follows it. */
function readText(bytes: Uint8Array, at: string): readonly [string, Uint8Array] {
  const length = bytes[0] ?? 0;
  if (length === 0 || bytes.length < 1 + length) throw new Malformed(at, 'a text');
  return [textOf(bytes.subarray(1, 1 + length), at), bytes.subarray(1 + length)];
}

function textOf(bytes: Uint8Array, at: string): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw new Malformed(at, 'UTF-8');
  }
}

function readBody(bytes: Uint8Array): object {
  let body: unknown;
  try {
    body = JSON.parse(textOf(bytes, '$.body'));
  } catch {
    throw new Malformed('$.body', 'JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Malformed('$.body', 'an object');
  }
  return body;
}

/** A newer peer may know codes that this one does not: its text still says what happened. */
const readFailure = (code: string, text: string, retry: boolean): Failure =>
  failure(isCode(code) ? code : 'refused', text, retry);

const jsonOf = (body: object): Uint8Array => utf8.encode(JSON.stringify(body));
